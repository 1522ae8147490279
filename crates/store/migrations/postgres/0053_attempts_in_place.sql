-- The first attempt at a delivery has the delivery's own id, so only the ids of later ones have to be found by an index:
-- what goes well costs one index less.

alter table attempts drop constraint attempts_pkey;
alter table attempts drop constraint attempts_delivery_id_number_key;
alter table attempts add primary key (delivery_id, number);
create index attempts_by_id on attempts (id) where id <> delivery_id;
