-- Withdrawals of people from programs: the day and the reason. A plan that is restored has neither.
ALTER TABLE plans ADD COLUMN withdrawn_on DATE;
ALTER TABLE plans ADD COLUMN withdrawal_reason TEXT;
