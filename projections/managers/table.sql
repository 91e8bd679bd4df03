CREATE TABLE {{table}} (
  manager_id       text COLLATE "C" PRIMARY KEY,
  host             text NOT NULL,
  resp_port        integer NOT NULL,
  memory_budget_mb integer NOT NULL,
  created_at       timestamptz(3) NOT NULL,
  updated_at       timestamptz(3) NOT NULL,
  version          integer NOT NULL
);
