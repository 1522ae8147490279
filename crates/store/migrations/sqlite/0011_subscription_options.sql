-- What a subscription asks for beyond where and what.

alter table subscriptions add column ordering text; -- what is promised about the order; null: nothing
alter table subscriptions add column per_second integer; -- attempts that may begin in a second; null: no limit
