//! The schema's history: numbered scripts, applied once each, in order, in one transaction.
//!
//! The database records the SHA-256 of every script it has applied. A server refuses to work on a database whose
//! history differs from its own: one that is newer, or one whose scripts were changed after they were applied. Several
//! servers may start at once; PostgreSQL lets one migrate and the others find it done.

use crate::{
    db::{Db, Tx},
    error::{Error, Result},
    sql::statements,
};
use domain::time::Timestamp;
use sha2::{Digest, Sha256};

/// One step of the schema, in both dialects.
struct Migration {
    version: u32,
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! migration {
    ($version:literal, $name:literal) => {
        Migration {
            version: $version,
            name: $name,
            sqlite: include_str!(concat!("../migrations/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!("../migrations/postgres/", $name, ".sql")),
        }
    };
}

/// Every step there is, oldest first.
const MIGRATIONS: &[Migration] = &[
    migration!(1, "0001_first"),
    migration!(5, "0005_listeners"),
    migration!(10, "0010_replays"),
    migration!(11, "0011_subscription_options"),
    migration!(12, "0012_deliveries_that_ended_badly"),
    migration!(13, "0013_fewer_indexes"),
    migration!(20, "0020_workflows"),
    migration!(21, "0021_starts"),
    migration!(30, "0030_runs"),
    migration!(40, "0040_hubs"),
    migration!(41, "0041_learning"),
    migration!(42, "0042_marks"),
    migration!(43, "0043_profiles"),
    migration!(50, "0050_signing_keys"),
    migration!(51, "0051_removals"),
    migration!(52, "0052_deliveries_in_line"),
    migration!(53, "0053_attempts_in_place"),
    migration!(54, "0054_lists"),
    migration!(60, "0060_files_of_runs"),
    migration!(70, "0070_covering_lists"),
    migration!(71, "0071_in_order"),
];

/// Any number will do that no other program uses on the same database.
const LOCK: &str = "select pg_advisory_xact_lock(7237456122301)";
const HISTORY: &str = "create table if not exists migrations (version bigint primary key not null, name text not null, \
                       checksum text not null, applied_at bigint not null)";

statements! {
    LIST = "select version, name, checksum from migrations order by version";
    ADD = "insert into migrations (version, name, checksum, applied_at) values ($1, $2, $3, $4)";
}

/// Brings the schema up to date; how many steps it took.
pub async fn migrate(db: &Db, now: Timestamp) -> Result<u32> {
    db.write(now, |tx, now| Box::pin(apply(tx, MIGRATIONS, *now))).await
}

/// One value for one schema: over all steps, in both dialects.
pub fn schema_checksum() -> String {
    let all = MIGRATIONS.iter().flat_map(|migration| [migration.sqlite, migration.postgres]);
    checksum(&all.collect::<Vec<_>>().join("\n"))
}

async fn apply(tx: &mut Tx<'_>, migrations: &[Migration], now: Timestamp) -> Result<u32> {
    if tx.is_postgres() {
        tx.script(LOCK).await?;
    }
    tx.script(HISTORY).await?;
    let applied: Vec<(u32, String, String)> = tx.rows(&LIST, &[]).await?;
    verify(tx.is_postgres(), migrations, &applied)?;
    let mut steps = 0;
    for migration in &migrations[applied.len()..] {
        let text = text(migration, tx.is_postgres());
        tx.script(text).await?;
        let checksum = checksum(text);
        let params = [migration.version.into(), migration.name.into(), (&checksum).into(), now.into()];
        tx.execute(&ADD, &params).await?;
        steps += 1;
    }
    Ok(steps)
}

/// What was applied must be the beginning of what this program knows.
fn verify(postgres: bool, migrations: &[Migration], applied: &[(u32, String, String)]) -> Result<()> {
    for (index, (version, name, recorded)) in applied.iter().enumerate() {
        let Some(known) = migrations.get(index).filter(|known| known.version == *version) else {
            return Err(Error::Migration(format!(
                "the database is newer than this server: it has schema step {name}, this server knows up to {}; \
                 start the version of plextera that made it, or a later one",
                migrations.last().map_or("none", |last| last.name)
            )));
        };
        if checksum(text(known, postgres)) != *recorded {
            return Err(Error::Migration(format!(
                "schema step {name} was applied to this database with another content than this server has; \
                 it was made by a build that was never released"
            )));
        }
    }
    Ok(())
}

const fn text(migration: &Migration, postgres: bool) -> &'static str {
    if postgres { migration.postgres } else { migration.sqlite }
}

fn checksum(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_ms(1_700_000_000_000);
    const fn step(version: u32, name: &'static str, text: &'static str) -> Migration {
        Migration { version, name, sqlite: text, postgres: text }
    }
    const FIRST: Migration = step(1, "0001_first", "create table a (x bigint)");
    const SECOND: Migration = step(2, "0002_second", "create table b (x bigint)");

    async fn run(db: &Db, migrations: &'static [Migration]) -> Result<u32> {
        db.write(migrations, |tx, migrations| Box::pin(apply(tx, migrations, NOW))).await
    }

    #[tokio::test]
    async fn each_step_is_applied_once_and_in_order() {
        let directory = tempfile::tempdir().unwrap();
        let db = Db::sqlite(&directory.path().join("a.db")).unwrap();
        assert_eq!(run(&db, &[FIRST]).await.unwrap(), 1);
        assert_eq!(run(&db, &[FIRST, SECOND]).await.unwrap(), 1);
        assert_eq!(run(&db, &[FIRST, SECOND]).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn a_newer_or_different_history_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let db = Db::sqlite(&directory.path().join("a.db")).unwrap();
        run(&db, &[FIRST, SECOND]).await.unwrap();
        let newer = run(&db, &[FIRST]).await.unwrap_err().to_string();
        assert!(newer.contains("newer than this server") && newer.contains("0002_second"), "{newer}");
        const CHANGED: Migration = step(1, "0001_first", "create table c (x bigint)");
        let changed = run(&db, &[CHANGED, SECOND]).await.unwrap_err();
        assert!(changed.to_string().contains("another content"), "{changed}");
    }

    #[tokio::test]
    async fn a_failing_step_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let db = Db::sqlite(&directory.path().join("a.db")).unwrap();
        const BROKEN: Migration = step(2, "0002_broken", "create table nonsense");
        assert!(run(&db, &[FIRST, BROKEN]).await.is_err());
        assert_eq!(run(&db, &[FIRST]).await.unwrap(), 1);
    }
}
