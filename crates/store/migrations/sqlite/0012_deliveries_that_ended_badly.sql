-- Few among many, and what people look for.

create index deliveries_exhausted on deliveries (subscription_id, created_at, id) where status = 'EXHAUSTED';
create index deliveries_suppressed on deliveries (subscription_id, created_at, id) where status = 'SUPPRESSED';
