-- A listener is a paused subscription that ends: whoever reads from it keeps it.

alter table subscriptions add column listening_until bigint; -- null for every other subscription
create index subscriptions_listening on subscriptions (listening_until) where listening_until is not null;
