-- A replay is a row that walks a subscription's deliveries, in the order in which they were made.

create table replays (
  id blob primary key not null,
  org_id blob not null,
  subscription_id blob not null,
  status text not null,
  since integer not null,
  until integer not null,
  delivery_status text, -- which deliveries fit; null: all that do not wait anyway
  cursor_at integer not null, -- the last delivery that was looked at: when it was made,
  cursor_id blob not null, -- and which one it was
  examined integer not null,
  replayed integer not null,
  next_at integer not null, -- when to go on
  created_at integer not null,
  updated_at integer not null,
  completed_at integer
) strict;
create index replays_running on replays (next_at) where status = 'RUNNING';
create index replays_of_subscription on replays (subscription_id, created_at, id);

alter table deliveries add column replay_id blob; -- the replay that put it in line
create index deliveries_of_replay on deliveries (replay_id) where replay_id is not null and status = 'PENDING';
