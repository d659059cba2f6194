-- A mark of the credentials that a registration was made by: one that was made
-- by others than hold now is not taken up at the start. NULL where an older
-- version kept it; the phone's next REGISTER sets it.

ALTER TABLE registration ADD COLUMN credentials INTEGER;
