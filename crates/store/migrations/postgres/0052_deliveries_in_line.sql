-- One probe finds what a subscription has in line, by class and by the time from which anybody may take it: neither rows
-- that a node has in hand nor a mountain of retries stand before what has just happened.

drop index deliveries_due;
create index deliveries_in_line on deliveries (subscription_id,
  (case when replay_id is not null then 2 when round_attempts > 0 then 1 else 0 end),
  greatest(next_attempt_at, lease_until)) where status = 'PENDING';
