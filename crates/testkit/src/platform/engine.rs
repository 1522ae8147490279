//! The engine of a [`Platform`], for tests of what happens after the response.

use super::Platform;
use engine::{
    Engine, Settings,
    client::{Network, Policy},
};
use std::{future::Future, path::Path, time::Duration};

/// How fast time goes by while a test waits: slow enough that a lease does not run out between two breaths.
const STEP: Duration = Duration::from_millis(100);

impl Platform {
    /// Starts the engine. Endpoints on loopback are allowed; `program` is what reads documents.
    pub fn run_engine(&mut self, program: &Path) {
        let loopback: Vec<Network> =
            ["127.0.0.0/8", "::1/128"].iter().filter_map(|network| network.parse().ok()).collect();
        let settings = Settings {
            workers: 1,
            policy: Policy { allow_http: true, allowed_networks: loopback },
            ..Settings::new(program.to_owned(), self.folder.path().join("work"))
        };
        let engine = Engine::start(self.store.clone(), settings, self.context.clone());
        self.engine = Some(engine.expect("the engine starts"));
    }

    /// Waits while time goes by.
    pub async fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.clock.drive(STEP, future).await
    }

    /// Asks again and again, while time goes by, until the answer is `Some`.
    pub async fn until<T, F: Future<Output = Option<T>>>(&self, ask: impl Fn() -> F) -> T {
        let asking = async {
            loop {
                if let Some(value) = ask().await {
                    return value;
                }
            }
        };
        self.wait(asking).await
    }
}

/// For the field of [`Platform`].
pub(super) type Running = Option<Engine>;
