-- One index less on the table that is written most: the rule that an event goes to a subscription once also finds the
-- deliveries of an event, where the event stands first in it.

create unique index deliveries_once on deliveries (event_id, subscription_id);
alter table deliveries drop constraint deliveries_subscription_id_event_id_key;
drop index deliveries_of_event;
