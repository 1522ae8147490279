-- What lists ask for stands in the index by which they look for it: the state's rows by the time they were made at, and
-- whether an event is a test. So counting, and choosing the rows of a page, reads no row that is not shown.

drop index deliveries_in_line;
create index deliveries_in_line on deliveries (subscription_id,
  (case when replay_id is not null then 2 when round_attempts > 0 then 1 else 0 end),
  greatest(next_attempt_at, lease_until), created_at, id) where status = 'PENDING';
drop index deliveries_delivered;
create index deliveries_delivered on deliveries (subscription_id, updated_at, id, created_at) where status = 'DELIVERED';
drop index events_of_org;
create index events_of_org on events (org_id, occurred_at, id, test);
drop index events_of_type;
create index events_of_type on events (org_id, event_type, occurred_at, id, test);

-- Only what a node holds: as an index of all that waits it would be the smallest, and be read from end to end for one
-- subscription's.
drop index deliveries_of_node;
create index deliveries_of_node on deliveries (lease_node) where status = 'PENDING' and lease_node is not null;
