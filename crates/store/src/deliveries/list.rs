//! Pages of a subscription's log, which may be millions of rows long.
//!
//! A page is a walk along an index that has the list's order, or, where only a few rows match, those rows sorted. Which it
//! is follows from the count that the page's total needs anyway: matches are counted to [`limits::LIST_COUNTED_MAX`], by
//! the index that narrows them most ([`Access`]). So neither a rare state nor a rare type is looked for row by row.
//! Where only the state is filtered, and the time, an index alone counts, and chooses the rows of the page: none is read
//! that is not shown. Where nothing is filtered the total is known without counting: numbers have no gaps, and what
//! retention removes it removes from the beginning. Where the total is known, the second half is read from the other end,
//! and a page far from both ends from the delivery whose number is its place.

mod statements;

pub(super) use self::statements::STATEMENTS;

use self::statements::*;
use super::{Deliveries, DeliveryFilter};
use crate::{
    db::{Param, Tx},
    error::Result,
    rows::window,
    sql::Sql,
};
use domain::{
    delivery::{Delivery, DeliveryStatus},
    id::{OrgId, SubscriptionId},
    limits,
    page::{Direction, PageRequest, Paged, SortBy},
    time::Timestamp,
};
use std::ops::Range;

/// The index that narrows a filter's matches most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    All,
    /// Few events are of the type that is asked for.
    FewOfType,
    Pending,
    Delivered,
    Exhausted,
    Suppressed,
}

/// For the newest first and for the oldest first.
type Pair = [&'static Sql; 2];

impl Access {
    /// What waits and what was delivered are as a rule more than what has a rare type.
    async fn of(tx: &mut Tx<'_>, org_id: OrgId, filter: DeliveryFilter) -> Result<Self> {
        match (filter.status, filter.event_type) {
            (Some(DeliveryStatus::Exhausted), _) => return Ok(Self::Exhausted),
            (Some(DeliveryStatus::Suppressed), _) => return Ok(Self::Suppressed),
            (_, Some(event_type)) => {
                let max = limits::LIST_COUNTED_MAX;
                let params = [org_id.into(), event_type.into(), max.into()];
                let (events,): (u64,) = tx.one(&EVENTS_OF_TYPE, &params).await?;
                if events < max {
                    return Ok(Self::FewOfType);
                }
            }
            _ => {}
        }
        Ok(match filter.status {
            Some(DeliveryStatus::Pending) => Self::Pending,
            Some(DeliveryStatus::Delivered) => Self::Delivered,
            _ => Self::All,
        })
    }

    const fn count(self) -> &'static Sql {
        match self {
            Self::All => &COUNT_ALL,
            Self::FewOfType => &COUNT_FEW_OF_TYPE,
            Self::Pending => &COUNT_PENDING,
            Self::Delivered => &COUNT_DELIVERED,
            Self::Exhausted => &COUNT_EXHAUSTED,
            Self::Suppressed => &COUNT_SUPPRESSED,
        }
    }

    /// Counts all that is in a state, whatever its type, from an index alone.
    const fn whole(self) -> Option<&'static Sql> {
        match self {
            Self::All => Some(&WHOLE),
            Self::FewOfType => None,
            Self::Pending => Some(&WHOLE_PENDING),
            Self::Delivered => Some(&WHOLE_DELIVERED),
            Self::Exhausted => Some(&WHOLE_EXHAUSTED),
            Self::Suppressed => Some(&WHOLE_SUPPRESSED),
        }
    }

    const fn by_creation(self, few: bool, has_type: bool) -> Pair {
        match self {
            Self::All if !has_type => [&WHOLE_NEWEST, &WHOLE_OLDEST],
            Self::FewOfType => [&FEW_OF_TYPE_NEWEST, &FEW_OF_TYPE_OLDEST],
            Self::Pending if few && !has_type => [&WHOLE_PENDING_NEWEST, &WHOLE_PENDING_OLDEST],
            Self::Delivered if few && !has_type => [&WHOLE_DELIVERED_NEWEST, &WHOLE_DELIVERED_OLDEST],
            Self::Pending if few => [&FEW_PENDING_NEWEST, &FEW_PENDING_OLDEST],
            Self::Delivered if few => [&FEW_DELIVERED_NEWEST, &FEW_DELIVERED_OLDEST],
            Self::Exhausted => [&EXHAUSTED_NEWEST, &EXHAUSTED_OLDEST],
            Self::Suppressed => [&SUPPRESSED_NEWEST, &SUPPRESSED_OLDEST],
            Self::All | Self::Pending | Self::Delivered => [&MANY_NEWEST, &MANY_OLDEST],
        }
    }

    const fn by_update(self, few: bool) -> Pair {
        match self {
            _ if !few => [&MANY_UPDATED_NEWEST, &MANY_UPDATED_OLDEST],
            Self::All => [&FEW_UPDATED_NEWEST, &FEW_UPDATED_OLDEST],
            Self::FewOfType => [&FEW_OF_TYPE_UPDATED_NEWEST, &FEW_OF_TYPE_UPDATED_OLDEST],
            Self::Pending => [&FEW_PENDING_UPDATED_NEWEST, &FEW_PENDING_UPDATED_OLDEST],
            Self::Delivered => [&FEW_DELIVERED_UPDATED_NEWEST, &FEW_DELIVERED_UPDATED_OLDEST],
            Self::Exhausted => [&FEW_EXHAUSTED_UPDATED_NEWEST, &FEW_EXHAUSTED_UPDATED_OLDEST],
            Self::Suppressed => [&FEW_SUPPRESSED_UPDATED_NEWEST, &FEW_SUPPRESSED_UPDATED_OLDEST],
        }
    }
}

impl Deliveries<'_> {
    /// A page of a subscription's deliveries, without attempts.
    pub async fn list(
        &self,
        org_id: OrgId,
        subscription_id: SubscriptionId,
        filter: DeliveryFilter,
        page: PageRequest,
    ) -> Result<Paged<Delivery>> {
        let input = (org_id, subscription_id, filter, page);
        let list = self.0.db.read(input, |tx, (org_id, subscription_id, filter, page)| {
            Box::pin(list(tx, *org_id, *subscription_id, *filter, *page))
        });
        list.await
    }
}

async fn list(
    tx: &mut Tx<'_>,
    org_id: OrgId,
    subscription_id: SubscriptionId,
    filter: DeliveryFilter,
    page: PageRequest,
) -> Result<Paged<Delivery>> {
    if tx.optional::<(SubscriptionId,)>(&OWNS, &[org_id.into(), subscription_id.into()]).await?.is_none() {
        return Ok(Paged::new(Vec::new(), &page, 0));
    }
    let mut filters = [
        org_id.into(),
        subscription_id.into(),
        filter.status.into(),
        filter.event_type.into(),
        filter.since.unwrap_or(Timestamp::from_ms(i64::MIN)).into(),
    ];
    let access = Access::of(tx, org_id, filter).await?;
    let max = limits::LIST_COUNTED_MAX;
    let (counted,): (u64,) = match (access.whole(), filter.event_type) {
        (Some(whole), None) => tx.one(whole, &[filters[1], filters[4], max.into()]).await?,
        _ => tx.one(access.count(), &[&filters[..], &[max.into()]].concat()).await?,
    };
    let few = counted < max;
    let total = match few || filter != DeliveryFilter::default() {
        true => counted,
        false => tx.one::<(u64,)>(&LENGTH, &[subscription_id.into()]).await?.0.max(counted),
    };
    let by_update = page.sort_by == SortBy::UpdatedAt;
    let mut ascending = page.direction == Direction::Ascending;
    let pair = match by_update {
        true => access.by_update(few),
        false => access.by_creation(few, filter.event_type.is_some()),
    };
    let is_known = few || filter == DeliveryFilter::default() && !by_update;
    let far = match far_range(&page, total).filter(|_| is_known && !few) {
        Some(range) => place(tx, subscription_id, range.end).await?.map(|place| (range, place)),
        None => None,
    };
    let mut rest: Vec<Param<'_>> = window(&page).to_vec();
    let mut is_turned = false;
    if let Some((range, place)) = far {
        // From the place on towards the newest, whichever end the list begins with.
        filters[4] = place.at.into();
        rest = vec![(range.end - range.start).into(), (place.since - range.end).into()];
        is_turned = !ascending;
    } else if is_known && page.offset() > total / 2 && page.offset() < total {
        // The second half of a list whose length is known is nearer from its other end.
        let size = u64::from(page.size).min(total - page.offset());
        rest = vec![size.into(), (total - page.offset() - size).into()];
        is_turned = true;
    } else if by_update && !few {
        rest.push((page.offset() + u64::from(page.size)).into());
    }
    ascending ^= is_turned;
    let sql = pair[usize::from(ascending)];
    let mut data: Vec<Delivery> = tx.rows(sql, &[&filters[..], &rest].concat()).await?;
    if is_turned {
        data.reverse();
    }
    // A page behind those that were counted shows that there are more.
    let shown = if data.is_empty() { 0 } else { page.offset() + data.len() as u64 };
    Ok(Paged::new(data, &page, total.max(shown)))
}

/// The rows of a page, counted from the newest, where it lies far from both ends.
fn far_range(page: &PageRequest, total: u64) -> Option<Range<u64>> {
    let start = page.offset();
    let end = total.min(start + u64::from(page.size));
    let range = match page.direction {
        Direction::Descending => start..end,
        Direction::Ascending => total.saturating_sub(end)..total.saturating_sub(start),
    };
    let far = limits::LIST_COUNTED_MAX;
    (start < end && range.start >= far && total - range.end >= far).then_some(range)
}

/// A time in a log, and how many deliveries were made since then.
struct Place {
    at: Timestamp,
    since: u64,
}

/// A place with at least so many deliveries since, and hardly more; none where numbers are not in the order of time.
async fn place(tx: &mut Tx<'_>, subscription_id: SubscriptionId, since: u64) -> Result<Option<Place>> {
    // Deliveries without a number stand between: the place may be a little older than need be.
    let params = [subscription_id.into(), since.saturating_sub(1).into()];
    let found = tx.optional::<(Timestamp, u64)>(&PLACE, &params).await?;
    Ok(found.map(|(at, since)| Place { at, since }).filter(|place| place.since >= since))
}

#[cfg(test)]
mod tests;
