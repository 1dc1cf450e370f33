-- What lp-cache made before it knew origins.
PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;
CREATE TABLE layer(
  id INTEGER PRIMARY KEY,
  digest TEXT NOT NULL UNIQUE,
  size INTEGER
) STRICT;
CREATE TABLE image(
  id INTEGER PRIMARY KEY,
  ref TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE image_layer(
  image INTEGER NOT NULL REFERENCES image(id) ON DELETE CASCADE,
  idx INTEGER NOT NULL,
  layer INTEGER NOT NULL REFERENCES layer(id),
  PRIMARY KEY(image, idx)
) STRICT, WITHOUT ROWID;
CREATE INDEX image_layer_layer ON image_layer(layer);
CREATE TABLE listing(
  id INTEGER PRIMARY KEY,
  layer INTEGER NOT NULL UNIQUE REFERENCES layer(id),
  complete INTEGER CHECK(complete IN (0, 1)),
  head INTEGER,
  entries INTEGER NOT NULL,
  added INTEGER NOT NULL,
  header TEXT,
  trailer TEXT,
  newline INTEGER NOT NULL
) STRICT;
CREATE TABLE entry(
  listing INTEGER NOT NULL REFERENCES listing(id) ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  name TEXT NOT NULL,
  type TEXT NOT NULL,
  mode INTEGER NOT NULL,
  uid INTEGER NOT NULL,
  gid INTEGER NOT NULL,
  size INTEGER NOT NULL,
  mtime INTEGER,
  mtime_nsec INTEGER,
  linkname TEXT,
  line TEXT,
  PRIMARY KEY(listing, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE gram(
  listing INTEGER NOT NULL REFERENCES listing(id) ON DELETE CASCADE,
  gram INTEGER NOT NULL,
  blocks BLOB NOT NULL,
  PRIMARY KEY(listing, gram)
) STRICT, WITHOUT ROWID;
CREATE VIEW path AS
  SELECT image.ref AS image, image_layer.idx AS idx, layer.digest AS layer, entry.*  FROM entry JOIN listing ON listing.id = entry.listing JOIN layer ON layer.id = listing.layer
  LEFT JOIN image_layer ON image_layer.layer = layer.id LEFT JOIN image ON image.id = image_layer.image;
PRAGMA user_version = 1; PRAGMA application_id = 0x4c50636b;
