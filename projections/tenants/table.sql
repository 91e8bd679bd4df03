CREATE TABLE {{table}} (
  id         text COLLATE "C" PRIMARY KEY,
  -- Null once the person behind it was erased.
  name       text,
  plan       text NOT NULL,
  state      text COLLATE "C" NOT NULL,
  created_at timestamptz(3) NOT NULL,
  updated_at timestamptz(3) NOT NULL,
  version    integer NOT NULL
);
CREATE INDEX ON {{table}} (state, id DESC);
