-- Whether a subscription's deliveries were made in the order of their numbers: then a number tells how many stand before
-- it, and a page far from both ends of a long log is found without counting to it. A clock that is set back ends it. Of the
-- logs that there are already nobody knows.
alter table subscriptions add column numbered_at bigint not null default 0; -- when the last number was given
alter table subscriptions add column in_order boolean not null default false;
