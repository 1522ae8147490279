-- One index less on the table that is written most: the rule that an event goes to a subscription once also finds the
-- deliveries of an event, where the event stands first in it. SQLite cannot change such a rule in place: the table is
-- made anew.

create table new_deliveries (
  id blob primary key not null,
  org_id blob not null,
  subscription_id blob not null,
  event_id blob not null,
  event_type text not null,
  sequence integer, -- null for test events
  status text not null,
  attempt_count integer not null,
  round_attempts integer not null, -- since it was last redelivered
  next_attempt_at integer,
  lease_until integer not null, -- 0: free
  lease_node text,
  fence integer not null,
  created_at integer not null,
  updated_at integer not null,
  delivered_at integer,
  replay_id blob, -- the replay that put it in line
  unique (event_id, subscription_id)
) strict;
insert into new_deliveries select id, org_id, subscription_id, event_id, event_type, sequence, status, attempt_count,
  round_attempts, next_attempt_at, lease_until, lease_node, fence, created_at, updated_at, delivered_at, replay_id
  from deliveries;
drop table deliveries;
alter table new_deliveries rename to deliveries;
create index deliveries_due on deliveries (subscription_id, next_attempt_at) where status = 'PENDING';
create index deliveries_of_node on deliveries (lease_node) where status = 'PENDING';
create index deliveries_of_subscription on deliveries (subscription_id, created_at, id);
create unique index deliveries_by_sequence on deliveries (subscription_id, sequence);
create index deliveries_of_replay on deliveries (replay_id) where replay_id is not null and status = 'PENDING';
create index deliveries_exhausted on deliveries (subscription_id, created_at, id) where status = 'EXHAUSTED';
create index deliveries_suppressed on deliveries (subscription_id, created_at, id) where status = 'SUPPRESSED';
