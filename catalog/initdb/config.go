package initdb

import "strings"

// configFiles are the texts of the configuration files by name.
func configFiles(o *Options) map[string]string {
	set := strings.NewReplacer("@LOCAL@", o.AuthLocal, "@HOST@", o.AuthHost, "@ZONE@", o.TimeZone)
	return map[string]string{
		"postgresql.conf":      set.Replace(serverConf),
		"postgresql.auto.conf": autoConf,
		"pg_hba.conf":          set.Replace(hbaConf),
		"pg_ident.conf":        identConf,
	}
}

const serverConf = `# Settings of this server: one "name = value" per line, values in single quotes
# unless they are plain words or numbers. What is commented out has its default.
# A change takes effect on reload (SIGHUP), or after a restart where it says so.
#
# Memory units: B kB MB GB TB. Time units: us ms s min h d.

# Connections (restart)
#listen_addresses = 'localhost'
#port = 5432
max_connections = 100
#unix_socket_directories = '/var/run/postgresql'

# Authentication
#password_encryption = scram-sha-256
#ssl = off

# Memory (shared_buffers: restart)
shared_buffers = 128MB
#work_mem = 4MB
#maintenance_work_mem = 64MB
dynamic_shared_memory_type = posix

# Write-ahead log
#wal_level = replica
#fsync = on
#synchronous_commit = on
#full_page_writes = on
#wal_compression = off
#checkpoint_timeout = 5min
max_wal_size = 1GB
min_wal_size = 80MB
#archive_mode = off
#archive_command = ''

# Autovacuum
#autovacuum = on

# Log
log_timezone = '@ZONE@'

# Defaults of clients
datestyle = 'iso, mdy'
timezone = '@ZONE@'
lc_messages = 'C'
lc_monetary = 'C'
lc_numeric = 'C'
lc_time = 'C'
default_text_search_config = 'pg_catalog.english'
`

const autoConf = `# Written by ALTER SYSTEM; changes by hand will be lost.
`

const hbaConf = `# Who may connect: the first line that fits decides.
#
# type     database     user  address       method [options]
#
# type: local (Unix socket), host (TCP), hostssl, hostnossl
# method: trust, reject, scram-sha-256, md5, password, peer, cert …

local      all          all                 @LOCAL@
host       all          all   127.0.0.1/32  @HOST@
host       all          all   ::1/128       @HOST@
local      replication  all                 @LOCAL@
host       replication  all   127.0.0.1/32  @HOST@
host       replication  all   ::1/128       @HOST@
`

const identConf = `# Maps names of the operating system or of certificates to roles.
#
# map  system-name  role
`
