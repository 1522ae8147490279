//! A PostgreSQL of the tests' own, from the machine's packages: no container, no fixed port, nothing left behind.
//!
//! Which server a test gets: the one that `PLEXTERA_TEST_POSTGRES_URL` names (the program `with-postgres` starts one for
//! a whole test run and sets this), else one that this process starts at first use and shares among its tests. Each test
//! then gets a database of its own, copied from one that has the schema already, which takes milliseconds.
//!
//! The server ends with the process that started it, even if that is killed: the kernel signals it when the thread that
//! started it is gone. Its folder is removed with it, or by the next start.

mod server;

pub use server::{Durability, Server};

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use store::db::{Db, PostgresUrl};
use tokio_postgres::{Client, NoTls};

/// Names the server that a test run shares: a URL without a database.
pub const URL_VARIABLE: &str = "PLEXTERA_TEST_POSTGRES_URL";

/// The server of this test run, without a database: `postgres://plextera@127.0.0.1:54321`.
///
/// Panics where PostgreSQL is not installed or does not start.
pub fn shared() -> &'static str {
    static URL: OnceLock<String> = OnceLock::new();
    static OWN: OnceLock<Server> = OnceLock::new();
    URL.get_or_init(|| match std::env::var(URL_VARIABLE) {
        Ok(url) => url.trim_end_matches('/').to_owned(),
        Err(_) => OWN.get_or_init(|| Server::start(Durability::Off)).url().to_owned(),
    })
}

/// The URL of a new database that has the schema.
pub async fn database() -> String {
    let server = shared();
    let template = format!("plextera_template_{}", &store::schema_checksum()[..12]);
    ensure_template(server, &template).await;
    create(server, Some(&template)).await
}

/// The URL of a new database that has nothing in it.
pub async fn empty_database() -> String {
    create(shared(), None).await
}

/// Ends every connection to the database at `url`, as a restart of the server would.
pub async fn disconnect_all(url: &str) {
    let (server, name) = url.rsplit_once('/').expect("a URL with a database");
    let end = "select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = $1";
    connect(server).await.query(end, &[&name]).await.expect("disconnect");
}

async fn create(server: &str, template: Option<&str>) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let client = connect(server).await;
    // A shared server may have seen this process id before.
    client
        .batch_execute(&format!("drop database if exists {name} with (force)"))
        .await
        .expect("drop database");
    let template =
        template.map(|template| format!(" template {template} strategy file_copy")).unwrap_or_default();
    client.batch_execute(&format!("create database {name}{template}")).await.expect("create database");
    format!("{server}/{name}")
}

/// Makes the template once per server, whichever process comes first.
async fn ensure_template(server: &str, template: &str) {
    let client = connect(server).await;
    client.batch_execute("select pg_advisory_lock(1)").await.expect("lock");
    let known =
        client.query("select 1 from pg_database where datname = $1", &[&template]).await.expect("query");
    if known.is_empty() {
        let draft = format!("{template}_draft");
        client.batch_execute(&format!("drop database if exists {draft} with (force)")).await.expect("drop");
        client.batch_execute(&format!("create database {draft}")).await.expect("create");
        let db = Db::postgres(&PostgresUrl::new(format!("{server}/{draft}"))).expect("pool");
        store::migrate(&db, crate::clock::START).await.expect("migrate");
        drop(db);
        disconnect_all(&format!("{server}/{draft}")).await;
        // A name that exists only once the schema is complete.
        client.batch_execute(&format!("alter database {draft} rename to {template}")).await.expect("rename");
    }
}

async fn connect(server: &str) -> Client {
    let url = format!("{server}/postgres");
    let mut config: tokio_postgres::Config = url.parse().expect("a PostgreSQL URL");
    config.connect_timeout(Duration::from_secs(10));
    let (client, connection) = config.connect(NoTls).await.expect("connect to the tests' PostgreSQL");
    tokio::spawn(connection);
    client
}
