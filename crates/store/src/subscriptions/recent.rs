//! How a subscription has been doing lately, read from its newest deliveries.

use super::Subscriptions;
use crate::{
    deliveries::{class, free_at},
    error::Result,
    sql::statements,
};
use domain::{id::SubscriptionId, limits, subscription::Recent, time::Timestamp};

/// When the first delivery of a class is due that can be taken first; what is under way counts as later.
macro_rules! next {
    ($engine:ident, $class:literal) => {
        concat!(
            "(select next_attempt_at from deliveries where subscription_id = $1 and status = 'PENDING' and ",
            class!(),
            " = ",
            $class,
            " order by ",
            free_at!($engine),
            " limit 1)"
        )
    };
}

macro_rules! waiting {
    ($engine:ident) => {
        concat!(
            "select (select count(*) from (select 1 from deliveries where subscription_id = $1 and status = 'PENDING'
            limit $2) counted), min(next_attempt_at) from (select ",
            next!($engine, "0"),
            " as next_attempt_at union all select ",
            next!($engine, "1"),
            " union all select ",
            next!($engine, "2"),
            ") firsts"
        )
    };
}

statements! {
    ATTEMPTS = "select a.duration_ms, a.status_code from (select id from deliveries where subscription_id = $1
            order by created_at desc, id desc limit $2) d join attempts a on a.delivery_id = d.id
        order by a.started_at desc, a.id desc limit $2";
    WAITING = waiting!(sqlite), postgres waiting!(postgres);
}

/// Deliveries that are looked at, and attempts.
const NEWEST_MAX: u32 = 100;

impl Subscriptions<'_> {
    /// What the last attempts say, and what waits; `None` where there is nothing to say.
    pub async fn recent(&self, id: SubscriptionId) -> Result<Option<Recent>> {
        let recent = self.0.db.read(id, |tx, id| {
            Box::pin(async move {
                let attempts: Vec<(u64, Option<u16>)> =
                    tx.rows(&ATTEMPTS, &[(*id).into(), NEWEST_MAX.into()]).await?;
                let (waiting, next): (u64, Option<Timestamp>) =
                    tx.one(&WAITING, &[(*id).into(), limits::LIST_COUNTED_MAX.into()]).await?;
                Ok(Recent::of(&attempts, waiting, next))
            })
        });
        recent.await
    }
}
