-- Lists of long logs: what was delivered by the last change, which is written once, when it is; and events by their type,
-- which also find the deliveries of a rare one.

create index deliveries_delivered on deliveries (subscription_id, updated_at, id) where status = 'DELIVERED';
create index events_of_type on events (org_id, event_type, occurred_at, id);
