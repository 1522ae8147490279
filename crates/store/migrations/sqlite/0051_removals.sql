-- Subscriptions that were deleted and whose deliveries are still to be removed, a few at a time.

create table removals (
  subscription_id blob primary key not null,
  created_at integer not null
) strict;
