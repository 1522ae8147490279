//! How runs end: the terminal state, the word to the parent, the next one's turn, and the event with its deliveries.

use super::{
    commit::{Decision, Done, Ended},
    groups,
    mail::{Mail, post_all},
    show,
};
use crate::{
    db::{Params, Tx},
    deliveries::{self, Hold, Outgoing},
    error::{Error, Result},
    events::NewEvent,
    sql::statements,
};
use bytes::Bytes;
use domain::{context::Context, event, id::RunId, run::RunStatus, time::Timestamp};
use flow::{
    ir::Action,
    run::{Failure, Output},
};

statements! {
    END = "update runs set status = $2, completed_at = $3, updated_at = $3, error_code = $4, error_message = $5,
            lease_node = null, hot = false
        where id = $1 returning parent_id, parent_key, parent_attempt, group_key",
        postgres "update runs set status = new.status, completed_at = new.at, updated_at = new.at, error_code = new.code,
            error_message = new.message, lease_node = null, hot = false
        from unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::text[])
            with ordinality as new (id, status, at, code, message, number)
        where runs.id = new.id returning new.number, parent_id, parent_key, parent_attempt, group_key";
    END_MAIL = "delete from run_mail where run_id = $1", postgres "delete from run_mail where run_id = any($1::uuid[])";
    END_APPROVALS = "update approvals set status = 'CANCELLED', decided_at = $2 where run_id = $1 and status = 'PENDING'",
        postgres "update approvals set status = 'CANCELLED', decided_at = new.at
        from unnest($1::uuid[], $2::bigint[]) as new (id, at) where run_id = new.id and status = 'PENDING'";
    END_TASKS = "update tasks set status = 'CANCELLED', fence = fence + 1, updated_at = $2
        where run_id = $1 and status = 'OPEN'",
        postgres "update tasks set status = 'CANCELLED', fence = fence + 1, updated_at = new.at
        from unnest($1::uuid[], $2::bigint[]) as new (id, at) where run_id = new.id and status = 'OPEN'";
}

/// The parent with the place that waits there, and the concurrency group.
type Stood = (Option<RunId>, Option<String>, Option<u32>, Option<String>);

/// Ends those that have ended, and adds to each what that leads to.
pub(super) async fn all(
    tx: &mut Tx<'_>,
    decisions: &[&Decision],
    done: &mut [Done],
    hold: &Hold,
    (ctx, now): (&Context, Timestamp),
) -> Result<()> {
    let ends: Vec<(usize, &Decision, &Ended)> = decisions
        .iter()
        .enumerate()
        .filter_map(|(index, decision)| Some((index, *decision, decision.ended.as_ref()?)))
        .collect();
    if ends.is_empty() {
        return Ok(());
    }
    let stood = terminate(tx, &ends, now).await?;
    let mut mails = Vec::new();
    for ((index, decision, ended), (parent, key, attempt, group)) in ends.iter().zip(stood) {
        if let Some(group) = group {
            done[*index].told.extend(groups::left(tx, &group, ctx).await?);
        }
        if let (Some(parent), Some(key), Some(attempt)) = (parent, key, attempt) {
            let key = key.parse().map_err(Error::corrupt)?;
            let result = result(decision.lease.run_id, ended);
            mails.push((parent, Mail::Finished { key, attempt, result }));
            done[*index].told.push(parent);
        }
    }
    post_all(tx, &mails, ctx).await?;
    tell(tx, &ends, done, hold, (ctx, now)).await
}

/// The terminal states, and whatever waited for these runs.
async fn terminate(
    tx: &mut Tx<'_>,
    ends: &[(usize, &Decision, &Ended)],
    now: Timestamp,
) -> Result<Vec<Stood>> {
    let params: Vec<Params<'_>> = ends
        .iter()
        .map(|(_, decision, ended)| {
            let failure = ended.failure.as_ref();
            vec![
                decision.lease.run_id.into(),
                ended.status.into(),
                ended.at.into(),
                failure.map(|failure| &failure.code).into(),
                failure.map(|failure| &failure.message).into(),
            ]
        })
        .collect();
    let found: Vec<Option<Stood>> = tx.optional_bulk(&END, &params).await?;
    let mail: Vec<Params<'_>> =
        ends.iter().map(|(_, decision, _)| vec![decision.lease.run_id.into()]).collect();
    tx.execute_bulk(&END_MAIL, &mail).await?;
    let of = |is: fn(&Action) -> bool| -> Vec<Params<'_>> {
        let with = ends
            .iter()
            .filter(|(_, decision, _)| decision.definition.all_steps().iter().any(|step| is(&step.action)));
        with.map(|(_, decision, _)| vec![decision.lease.run_id.into(), now.into()]).collect()
    };
    let approvals = of(|action| matches!(action, Action::Approval { .. }));
    tx.execute_bulk(&END_APPROVALS, &approvals).await?;
    let tasks = of(|action| matches!(action, Action::Custom { .. }));
    tx.execute_bulk(&END_TASKS, &tasks).await?;
    Ok(found.into_iter().map(Option::unwrap_or_default).collect())
}

/// The events, and their deliveries.
async fn tell(
    tx: &mut Tx<'_>,
    ends: &[(usize, &Decision, &Ended)],
    done: &mut [Done],
    hold: &Hold,
    (ctx, now): (&Context, Timestamp),
) -> Result<()> {
    let mut told = Vec::with_capacity(ends.len());
    let mut runs = Vec::with_capacity(ends.len());
    for (index, decision, ended) in ends {
        if let Some(event_type) = ended.status.event_type() {
            told.push((*index, event_type, ended.at));
            runs.push((decision.lease.run_id, &*decision.definition, &decision.state));
        }
    }
    let mut events = Vec::with_capacity(told.len());
    for (run, (_, event_type, _)) in show::told(tx, &runs).await?.iter().zip(&told) {
        let id = ctx.id();
        let body = Bytes::from(event::render_run(id, *event_type, run).map_err(Error::corrupt)?);
        events.push(NewEvent { id, event_type: *event_type, body });
    }
    let by_index: std::collections::HashMap<usize, &Decision> =
        ends.iter().map(|(index, decision, _)| (*index, *decision)).collect();
    let outgoing: Vec<Outgoing<'_>> = events
        .iter()
        .zip(&told)
        .map(|(event, (index, _, occurred_at))| {
            let decision = by_index[index];
            Outgoing {
                org_id: decision.org_id,
                event,
                ended: deliveries::Ended::Run(decision.lease.run_id, &decision.workflow_id),
                occurred_at: *occurred_at,
            }
        })
        .collect();
    let due = deliveries::fan_out(tx, &outgoing, Some(hold), ctx, now).await?;
    for ((index, ..), due) in told.iter().zip(due) {
        done[*index].deliveries = due;
    }
    Ok(())
}

/// What a nested run's end is to the step that began it.
fn result(run_id: RunId, ended: &Ended) -> std::result::Result<Output, Failure> {
    match (&ended.failure, ended.status) {
        (_, RunStatus::Completed) => Ok(Output::Stored(format!("run:{run_id}"))),
        (Some(failure), _) => Err(failure.clone()),
        (None, _) => Err(Failure::permanent("RUN_CLOSED", "the nested run was closed")),
    }
}
