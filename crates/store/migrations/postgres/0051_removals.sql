-- Subscriptions that were deleted and whose deliveries are still to be removed, a few at a time.

create table removals (
  subscription_id uuid primary key not null,
  created_at bigint not null
);
