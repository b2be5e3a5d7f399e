-- Which change of a date made others move: what follows from one change is told, and noted, together with it.

ALTER TABLE forecast_changes ADD COLUMN caused_by UUID;
