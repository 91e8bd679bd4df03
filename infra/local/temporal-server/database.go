package main

import (
	"database/sql"
	"fmt"
	"net/url"
	"time"

	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	_ "go.temporal.io/server/common/persistence/sql/sqlplugin/postgresql" // registers the plugin and the driver "postgres"
	sqltool "go.temporal.io/server/tools/sql"

	"go.temporal.io/server/tools/common/schema"
)

const plugin = "postgres12"

// Temporal's two databases and the schema each has.
const (
	mainDatabase       = "temporal"
	visibilityDatabase = "temporal_visibility"
)

var schemas = map[string]string{
	mainDatabase:       "postgresql/v12/temporal",
	visibilityDatabase: "postgresql/v12/visibility",
}

// setupLock keeps two servers on one PostgreSQL from making the schema at once. The number only has to be ours.
const setupLock = 7_233_000_001

// stores says how to reach Temporal's databases, and the server they are on.
type stores struct {
	server     *url.URL
	attributes map[string]string
}

// prepareStores creates what is missing and brings what is old up to date. Nothing half made is ever under a final name: a
// database is filled under another one and renamed, so that a kill at any moment leaves something the next start gets over.
func prepareStores(databaseURL string, logger log.Logger) (*stores, error) {
	server, err := url.Parse(databaseURL)
	if err != nil {
		return nil, fmt.Errorf("DATABASE_URL is not a connection string") // The parser's own message would show the password.
	}
	query := server.Query()
	if query.Get("sslmode") == "" {
		query.Set("sslmode", "disable")
		server.RawQuery = query.Encode()
	}
	attributes := map[string]string{}
	for _, name := range []string{"sslmode", "sslrootcert", "sslcert", "sslkey"} {
		if value := query.Get(name); value != "" {
			attributes[name] = value
		}
	}
	s := &stores{server: server, attributes: attributes}

	admin, err := sql.Open("postgres", server.String())
	if err != nil {
		return nil, err
	}
	defer admin.Close()
	admin.SetMaxOpenConns(1) // The lock below belongs to a connection.
	if _, err := admin.Exec("SELECT pg_advisory_lock($1)", int64(setupLock)); err != nil {
		return nil, fmt.Errorf("PostgreSQL does not answer: %w", err)
	}
	for name, schemaName := range schemas {
		if err := s.prepare(admin, name, schemaName, logger); err != nil {
			return nil, fmt.Errorf("schema of database %s: %w", name, err)
		}
	}
	return s, nil
}

func (s *stores) prepare(admin *sql.DB, name, schemaName string, logger log.Logger) error {
	var exists bool
	if err := admin.QueryRow("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&exists); err != nil {
		return err
	}
	if exists {
		return s.migrate(name, schemaName, false, logger)
	}
	unfinished := name + "_unfinished"
	for _, statement := range []string{
		fmt.Sprintf("DROP DATABASE IF EXISTS %s WITH (FORCE)", unfinished),
		fmt.Sprintf("CREATE DATABASE %s", unfinished),
	} {
		if _, err := admin.Exec(statement); err != nil {
			return err
		}
	}
	if err := s.migrate(unfinished, schemaName, true, logger); err != nil {
		return err
	}
	if err := s.execute(unfinished, "UPDATE schema_version SET db_name = $1", name); err != nil {
		return err
	}
	_, err := admin.Exec(fmt.Sprintf("ALTER DATABASE %s RENAME TO %s", unfinished, name))
	return err
}

func (s *stores) migrate(name, schemaName string, empty bool, logger log.Logger) error {
	connection, err := sqltool.NewConnection(s.config(name), logger)
	if err != nil {
		return err
	}
	defer connection.Close()
	if empty {
		if err := schema.NewSetupSchemaTask(connection, &schema.SetupConfig{InitialVersion: "0.0"}, logger).Run(); err != nil {
			return err
		}
	}
	return schema.NewUpdateSchemaTask(connection, &schema.UpdateConfig{DBName: name, SchemaName: schemaName}, logger).Run()
}

// config describes one of the databases to Temporal.
func (s *stores) config(name string) *config.SQL {
	password, _ := s.server.User.Password()
	port := s.server.Port()
	if port == "" {
		port = "5432"
	}
	return &config.SQL{
		PluginName:        plugin,
		DatabaseName:      name,
		ConnectAddr:       s.server.Hostname() + ":" + port,
		ConnectProtocol:   "tcp",
		ConnectAttributes: s.attributes,
		User:              s.server.User.Username(),
		Password:          password,
		MaxConns:          8,
		MaxIdleConns:      4,
		MaxConnLifetime:   time.Hour,
	}
}

// execute runs one statement on one of the databases over a connection of its own.
func (s *stores) execute(name, statement string, args ...interface{}) error {
	address := *s.server
	address.Path = "/" + name
	db, err := sql.Open("postgres", address.String())
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.Exec(statement, args...)
	return err
}

// reachable says whether PostgreSQL itself answers, whatever has become of Temporal's databases on it.
func (s *stores) reachable() bool {
	db, err := sql.Open("postgres", s.server.String())
	if err != nil {
		return false
	}
	defer db.Close()
	return db.Ping() == nil
}
