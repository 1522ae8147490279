//! How each engine would run a statement: for tests that hold the statements of long tables to their indexes.

use crate::{
    db::{BEGIN_OFTEN, Db, Engine, PostgresUrl, Tx},
    deliveries,
    error::Result,
    events, jobs,
    migrate::migrate,
    runs,
    sql::Sql,
    subscriptions,
};
use domain::time::Timestamp;

/// More than is read where every row is looked at, for one subscription of several.
const ROWS: u32 = 20_000;
/// All states, of ten subscriptions in two organizations. Statistics are taken of every row, so they are always the same.
/// An event's id says nothing about where its deliveries lie.
const FILL: &str = "
    insert into subscriptions (id, org_id, status, endpoint_url, event_types, headers, secret, next_sequence,
        consecutive_failures, created_at, updated_at)
    select lpad(n::text, 32, '0')::uuid, lpad((n % 2)::text, 32, '0')::uuid, 'active', 'https://example.com/', '[]', '{}', '',
        1, 0, n, n from generate_series(0, 9) n;
    insert into events (id, org_id, event_type, occurred_at, test, body)
    select md5(n::text)::uuid, lpad((n % 2)::text, 32, '0')::uuid, 'type ' || n % 7, n, false, 'body'
    from generate_series(1, ROWS) n;
    insert into deliveries (id, org_id, subscription_id, event_id, event_type, sequence, status, attempt_count,
        round_attempts, next_attempt_at, lease_until, fence, created_at, updated_at)
    select lpad(n::text, 32, '0')::uuid, lpad((n % 2)::text, 32, '0')::uuid, lpad((n % 10)::text, 32, '0')::uuid,
        md5(n::text)::uuid, 'type ' || n % 7, n,
        case n / 10 % 20 when 0 then 'PENDING' when 1 then 'EXHAUSTED' when 2 then 'SUPPRESSED' else 'DELIVERED' end,
        0, n % 2, n, 0, 1, n, n from generate_series(1, ROWS) n;
    insert into attempts (id, delivery_id, number, started_at, duration_ms) select id, id, 1, 1, 1 from deliveries;
    insert into jobs (id, org_id, status, created_at, updated_at, completed_at, file_id, file_name, lease_until, fence, crashes)
    select lpad(n::text, 32, '0')::uuid, lpad((n % 2)::text, 32, '0')::uuid, 'COMPLETED', n, n,
        case when n % 20 = 0 then null else n end, lpad(n::text, 32, '0')::uuid, 'a', 0, 1, 0
    from generate_series(1, ROWS) n;
    analyze;
";

/// An empty database of SQLite, whose plans follow from the schema alone.
pub async fn sqlite(folder: &tempfile::TempDir) -> Db {
    let db = Db::sqlite(&folder.path().join("a.db")).unwrap();
    migrate(&db, Timestamp::from_ms(1)).await.unwrap();
    db
}

/// A database of PostgreSQL, whose plans follow from how many rows there are.
pub async fn postgres() -> Db {
    let db = empty_postgres().await;
    for step in FILL.replace("ROWS", &ROWS.to_string()).split_inclusive(';') {
        let step = step.to_owned();
        db.read(step, |tx, step| Box::pin(tx.script(step))).await.unwrap();
    }
    db
}

pub async fn empty_postgres() -> Db {
    Db::postgres(&PostgresUrl::new(testkit::postgres::database().await)).unwrap()
}

/// Where a table is small, looking at all of it is right, and so is a bitmap; these plans are about large ones.
const OF_LARGE_TABLES: &str =
    "set plan_cache_mode = force_generic_plan; set enable_seqscan = off; set enable_bitmapscan = off";

/// The plan, one line a step. On PostgreSQL the one that is made for whatever the parameters are.
pub async fn plan(db: &Db, sql: &'static Sql) -> String {
    plan_under(db, sql, OF_LARGE_TABLES).await
}

/// The same under other settings of PostgreSQL.
async fn plan_under(db: &Db, sql: &'static Sql, settings: &'static str) -> String {
    db.read((), move |tx, ()| Box::pin(explain(tx, sql, settings)))
        .await
        .unwrap_or_else(|error| panic!("{error}"))
}

async fn explain(tx: &mut Tx<'_>, sql: &'static Sql, settings: &str) -> Result<String> {
    if let Tx::Sqlite(connection) = tx {
        let mut statement = connection.prepare(&format!("explain query plan {}", sql.sqlite)).unwrap();
        let steps = statement.raw_query().mapped(|row| row.get::<_, String>(3)).collect::<Vec<_>>();
        return Ok(steps.into_iter().map(|step| step.unwrap() + "\n").collect());
    }
    let count = (1..).take_while(|number| sql.postgres.contains(&format!("${number}"))).count();
    let nulls = vec!["null"; count].join(", ");
    let name = sql.name.replace("::", "_");
    tx.script(&format!("{settings}; prepare {name} as {}", sql.postgres)).await?;
    let given = if count > 0 { format!(" ({nulls})") } else { String::new() };
    let text = format!("explain (costs off) execute {name}{given}");
    let explained: &'static Sql =
        Box::leak(Box::new(Sql { name: sql.name, sqlite: "", postgres: String::leak(text) }));
    let lines: Vec<(String,)> = tx.rows(explained, &[]).await?;
    tx.script(&format!("deallocate {name}")).await?;
    Ok(lines.into_iter().map(|(line,)| line + "\n").collect())
}

/// A statement by the end of its name.
fn statement(name: &str) -> &'static Sql {
    let all = [deliveries::statements(), jobs::statements(), runs::statements(), subscriptions::statements()];
    let lists = all.into_iter().flatten().chain([events::STATEMENTS]);
    let found = lists.flatten().find(|sql| sql.name.ends_with(name));
    found.unwrap_or_else(|| panic!("there is no {name}"))
}

/// The statements that every event goes through and those that look for work: by which index. The name of a table stands for
/// its primary key.
const HOT: &[(&str, &str)] = &[
    ("deliveries::claim::DUE", "deliveries_in_line"),
    ("deliveries::claim::CLAIM", "deliveries_in_line"),
    ("deliveries::claim::BODY", "events"),
    ("deliveries::claim::RENEW", "deliveries_of_node"),
    ("deliveries::claim::RELEASE", "deliveries"),
    ("deliveries::claim::RELEASE_ALL", "deliveries_of_node"),
    ("deliveries::record::CURRENT", "deliveries"),
    ("deliveries::record::HEALTH", "subscriptions"),
    ("deliveries::record::DELIVERY", "deliveries"),
    ("deliveries::record::SUBSCRIPTION", "subscriptions"),
    ("deliveries::fan_out::CANDIDATES", "subscriptions_of_org"),
    ("deliveries::fan_out::NUMBER", "subscriptions"),
    ("deliveries::OLDEST_DUE", "deliveries_in_line"),
    ("jobs::claim::CLAIM", "jobs_open"),
    ("jobs::settle::END", "jobs"),
    ("target::TARGET", "subscriptions"),
    ("events::COUNT", "events_of_org"),
    ("events::COUNT_OF_TYPE", "events_of_type"),
    ("events::NEWEST", "events_of_org"),
    ("events::OLDEST", "events_of_org"),
    ("events::NEWEST_OF_TYPE", "events_of_type"),
    ("events::OLDEST_OF_TYPE", "events_of_type"),
    ("events::FEED", "deliveries_by_sequence"),
];

#[tokio::test]
async fn what_every_event_goes_through_is_found_by_an_index_on_either_engine() {
    let folder = tempfile::tempdir().unwrap();
    for db in [sqlite(&folder).await, postgres().await] {
        for (name, index) in HOT {
            let plan = plan(&db, statement(name)).await;
            let key = match db.engine() {
                Engine::Sqlite => format!("sqlite_autoindex_{index}_1"),
                Engine::Postgres => format!("{index}_pkey"),
            };
            assert!(plan.contains(if index.contains('_') { index } else { &*key }), "{name}:\n{plan}");
            for whole in ["SCAN deliveries", "SCAN events", "Seq Scan on deliveries", "hashed SubPlan"] {
                assert!(!plan.contains(whole), "{name}:\n{plan}");
            }
        }
    }
}

/// A new database is empty when its statements are planned, and those plans are kept while it fills.
#[tokio::test]
async fn a_plan_that_is_kept_is_not_one_for_an_empty_table() {
    let db = empty_postgres().await;
    let mut wrong = String::new();
    let by_key = |name: &str| {
        ["record::", "fan_out::", "settle::", "target::"].iter().any(|part| name.contains(part))
            || name.ends_with("::RELEASE")
    };
    for (name, index) in HOT.iter().filter(|(name, _)| by_key(name)) {
        let plan = plan_under(&db, statement(name), BEGIN_OFTEN).await;
        let index = if index.contains('_') { (*index).to_owned() } else { format!("{index}_pkey") };
        if !plan.contains(&index) || plan.contains("Seq Scan") || plan.contains("Hash") {
            wrong += &format!("{name}, not by {index}:\n{plan}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// The total of a list of events, and which of them a page shows, is read from an index without any event's body.
#[tokio::test]
async fn events_are_counted_without_their_bodies() {
    let folder = tempfile::tempdir().unwrap();
    let (sqlite, postgres) = (sqlite(&folder).await, postgres().await);
    for name in ["COUNT", "COUNT_OF_TYPE", "NEWEST", "OLDEST", "NEWEST_OF_TYPE", "OLDEST_OF_TYPE"] {
        let statement = statement(&format!("events::{name}"));
        let plan = plan(&sqlite, statement).await;
        assert!(plan.contains("SEARCH events USING COVERING INDEX events_of_"), "{name}:\n{plan}");
        let plan = self::plan(&postgres, statement).await;
        assert!(plan.contains("Index Only Scan") && plan.contains("events_of_"), "{name}:\n{plan}");
    }
    let plan = plan(&sqlite, statement("events::OF_RESOURCE")).await;
    assert!(plan.contains("(resource_id=?)"), "{plan}");
}
