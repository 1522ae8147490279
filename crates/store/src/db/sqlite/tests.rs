//! The writer: one commit for all that waits, and what a failing operation or commit does to the others.

use super::*;
use std::sync::mpsc;

struct Fixture {
    sqlite: Sqlite,
    _folder: tempfile::TempDir,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sqlite = Sqlite::open(&folder.path().join("a.db")).unwrap();
        sqlite
            .write(false, |connection| script(connection, "create table a (x blob not null unique)"))
            .await
            .unwrap();
        Self { sqlite, _folder: folder }
    }

    async fn count(&self) -> i64 {
        let count = |connection: &mut Connection| {
            connection.query_row("select count(*) from a", [], |row| row.get(0)).map_err(error)
        };
        self.sqlite.read(count).await.unwrap()
    }

    /// Keeps the writer busy until the sender is dropped, so that what is sent meanwhile becomes one batch.
    async fn occupy(&self) -> (mpsc::Sender<()>, tokio::task::JoinHandle<Result<()>>) {
        let (release, released) = mpsc::channel();
        let (begin, begun) = oneshot::channel();
        let mut begin = Some(begin);
        let sqlite = self.sqlite.clone();
        let task = tokio::spawn(async move {
            let wait = move |_: &mut Connection| {
                begin.take().unwrap().send(()).unwrap();
                assert!(released.recv().is_err());
                Ok(())
            };
            sqlite.write(false, wait).await
        });
        begun.await.unwrap();
        (release, task)
    }

    /// Queues an operation; it has reached the queue when this returns.
    async fn queue(
        &self,
        work: impl FnMut(&mut Connection) -> Result<()> + Send + 'static,
    ) -> oneshot::Receiver<Result<()>> {
        let (reply, answer) = oneshot::channel();
        let pending = Pending { work, result: None, reply, is_lazy: false };
        assert!(self.sqlite.writer.send(Box::new(pending)).await.is_ok());
        answer
    }
}

fn script(connection: &mut Connection, text: &str) -> Result<()> {
    connection.execute_batch(text).map_err(error)
}

fn insert(value: &'static str) -> impl FnMut(&mut Connection) -> Result<()> + Send + 'static {
    move |connection| script(connection, &format!("insert into a values ('{value}')"))
}

#[tokio::test]
async fn all_that_waits_is_one_commit() {
    let fixture = Fixture::new().await;
    let (first, _) = fixture.occupy().await;
    let mut one = fixture.queue(insert("one")).await;
    let (release, released) = mpsc::channel::<()>();
    let (begin, begun) = oneshot::channel();
    let mut begin = Some(begin);
    let two = fixture
        .queue(move |connection| {
            begin.take().unwrap().send(()).unwrap();
            assert!(released.recv().is_err());
            insert("two")(connection)
        })
        .await;
    drop(first);
    begun.await.unwrap();
    assert_eq!(fixture.count().await, 0, "the first has run and is not committed");
    assert!(one.try_recv().is_err(), "nor answered");
    drop(release);
    two.await.unwrap().unwrap();
    one.await.unwrap().unwrap();
    assert_eq!(fixture.count().await, 2);
}

#[tokio::test]
async fn a_failing_or_panicking_operation_is_rolled_back_alone() {
    let fixture = Fixture::new().await;
    let (first, _) = fixture.occupy().await;
    let good = fixture.queue(insert("good")).await;
    let failing = fixture
        .queue(|connection| {
            insert("half")(connection)?;
            insert("good")(connection)
        })
        .await;
    let panicking = fixture
        .queue(|connection| {
            insert("half")(connection)?;
            panic!("a defect")
        })
        .await;
    let last = fixture.queue(insert("last")).await;
    drop(first);
    good.await.unwrap().unwrap();
    assert!(matches!(failing.await.unwrap(), Err(Error::Conflict { .. })));
    assert!(matches!(panicking.await.unwrap(), Err(Error::Panicked)));
    last.await.unwrap().unwrap();
    assert_eq!(fixture.count().await, 2);
}

/// What a batch did before one of it failed is not there twice, and what was not reached yet is not forgotten.
#[tokio::test]
async fn a_batch_that_is_run_again_is_kept_once() {
    let fixture = Fixture::new().await;
    fixture.sqlite.write(false, |it| script(it, "create table b (n integer)")).await.unwrap();
    let (first, _) = fixture.occupy().await;
    let count = |connection: &mut Connection| script(connection, "insert into b values (1)");
    let mut answers = vec![fixture.queue(count).await, fixture.queue(count).await];
    let failing = fixture.queue(|connection| script(connection, "insert into b values (1); nonsense")).await;
    answers.push(fixture.queue(count).await);
    drop(first);
    for answer in answers {
        answer.await.unwrap().unwrap();
    }
    assert!(failing.await.unwrap().is_err());
    let counted = |connection: &mut Connection| {
        connection.query_row("select count(*) from b", [], |row| row.get::<_, i64>(0)).map_err(error)
    };
    assert_eq!(fixture.sqlite.read(counted).await.unwrap(), 3);
}

#[tokio::test]
async fn a_full_disk_is_told_to_everyone_it_concerns_and_passes() {
    let fixture = Fixture::new().await;
    fixture.sqlite.write(false, |connection| script(connection, "pragma max_page_count = 16")).await.unwrap();
    let (first, _) = fixture.occupy().await;
    let mut answers = Vec::new();
    for _ in 0..8 {
        let large =
            |connection: &mut Connection| script(connection, "insert into a values (randomblob(20000))");
        answers.push(fixture.queue(large).await);
    }
    drop(first);
    let mut stored = 0;
    for answer in answers {
        match answer.await.unwrap() {
            Ok(()) => stored += 1,
            Err(Error::Unavailable(_)) => {}
            Err(other) => panic!("{other}"),
        }
    }
    assert!(stored < 8);
    assert_eq!(fixture.count().await, stored, "what was acknowledged is there, and nothing else");
    fixture
        .sqlite
        .write(false, |connection| script(connection, "pragma max_page_count = 10000"))
        .await
        .unwrap();
    fixture.sqlite.write(false, insert("after")).await.unwrap();
    assert_eq!(fixture.count().await, stored + 1);
}

/// A deferred rule is checked by the commit itself, so this commit fails as one does on a full disk.
#[tokio::test]
async fn a_failing_commit_is_an_error_for_all_it_covered() {
    let fixture = Fixture::new().await;
    let schema = "create table parent (id integer primary key);
        create table child (id integer references parent (id) deferrable initially deferred)";
    fixture.sqlite.write(false, |connection| script(connection, schema)).await.unwrap();
    let (first, occupier) = fixture.occupy().await;
    let good = fixture.queue(insert("good")).await;
    let orphan = fixture.queue(|connection| script(connection, "insert into child values (1)")).await;
    drop(first);
    occupier.await.unwrap().unwrap();
    assert!(good.await.unwrap().is_err());
    assert!(orphan.await.unwrap().is_err());
    assert_eq!(fixture.count().await, 0);
    fixture.sqlite.write(false, insert("after")).await.unwrap();
    assert_eq!(fixture.count().await, 1);
}
