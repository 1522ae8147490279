-- A replay is a row that walks a subscription's deliveries, in the order in which they were made.

create table replays (
  id uuid primary key not null,
  org_id uuid not null,
  subscription_id uuid not null,
  status text not null,
  since bigint not null,
  until bigint not null,
  delivery_status text, -- which deliveries fit; null: all that do not wait anyway
  cursor_at bigint not null, -- the last delivery that was looked at: when it was made,
  cursor_id uuid not null, -- and which one it was
  examined bigint not null,
  replayed bigint not null,
  next_at bigint not null, -- when to go on
  created_at bigint not null,
  updated_at bigint not null,
  completed_at bigint
);
create index replays_running on replays (next_at) where status = 'RUNNING';
create index replays_of_subscription on replays (subscription_id, created_at, id);

alter table deliveries add column replay_id uuid; -- the replay that put it in line
create index deliveries_of_replay on deliveries (replay_id) where replay_id is not null and status = 'PENDING';
