CREATE TABLE visits (
  visit_id uuid PRIMARY KEY, -- made from API Gateway's id of the request: one that comes again is the same visit
  "timestamp" timestamptz NOT NULL,
  visitor_ip text NOT NULL, -- hashed, or `unknown`
  user_agent text NOT NULL,
  path text NOT NULL,
  expiration_time timestamptz NOT NULL -- 90 days on
);

-- For who asks what came when, and for the function, which deletes what has expired.
CREATE INDEX visits_timestamp ON visits ("timestamp");
CREATE INDEX visits_expiration_time ON visits (expiration_time);

-- The total is the sum over all rows. Several, because one row takes one addition at a time.
CREATE TABLE totals (
  shard smallint PRIMARY KEY,
  count bigint NOT NULL
);
