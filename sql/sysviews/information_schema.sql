-- Views of information_schema in our own SQL. Run with search_path =
-- information_schema, pg_catalog. The columns are PostgreSQL 15's.

CREATE VIEW information_schema_catalog_name AS SELECT current_database()::sql_identifier AS catalog_name;

CREATE VIEW schemata AS
    SELECT current_database()::sql_identifier AS catalog_name, n.nspname::sql_identifier AS schema_name, a.rolname::sql_identifier AS schema_owner,
           NULL::sql_identifier AS default_character_set_catalog, NULL::sql_identifier AS default_character_set_schema,
           NULL::sql_identifier AS default_character_set_name, NULL::character_data AS sql_path
    FROM pg_namespace n JOIN pg_authid a ON a.oid = n.nspowner
    WHERE pg_has_role(n.nspowner, 'USAGE') OR has_schema_privilege(n.oid, 'CREATE, USAGE');

CREATE VIEW tables AS
    SELECT current_database()::sql_identifier AS table_catalog, n.nspname::sql_identifier AS table_schema, c.relname::sql_identifier AS table_name,
           (CASE WHEN n.oid = pg_my_temp_schema() THEN 'LOCAL TEMPORARY' WHEN c.relkind IN ('r', 'p') THEN 'BASE TABLE'
                 WHEN c.relkind = 'v' THEN 'VIEW' WHEN c.relkind = 'f' THEN 'FOREIGN' END)::character_data AS table_type,
           NULL::sql_identifier AS self_referencing_column_name, NULL::character_data AS reference_generation,
           (CASE WHEN c.reloftype <> 0 THEN current_database() END)::sql_identifier AS user_defined_type_catalog,
           tn.nspname::sql_identifier AS user_defined_type_schema, t.typname::sql_identifier AS user_defined_type_name,
           (CASE WHEN c.relkind IN ('r', 'p') OR c.relkind IN ('v', 'f') AND pg_relation_is_updatable(c.oid, false) & 8 = 8
                 THEN 'YES' ELSE 'NO' END)::yes_or_no AS is_insertable_into,
           (CASE WHEN c.reloftype <> 0 THEN 'YES' ELSE 'NO' END)::yes_or_no AS is_typed, NULL::character_data AS commit_action
    FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid LEFT JOIN pg_type t ON t.oid = c.reloftype
         LEFT JOIN pg_namespace tn ON tn.oid = t.typnamespace
    WHERE c.relkind IN ('r', 'v', 'f', 'p') AND NOT pg_is_other_temp_schema(n.oid)
          AND (pg_has_role(c.relowner, 'USAGE')
               OR has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
               OR has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE, REFERENCES'));

CREATE VIEW columns AS
    SELECT current_database()::sql_identifier AS table_catalog, n.nspname::sql_identifier AS table_schema, c.relname::sql_identifier AS table_name,
           a.attname::sql_identifier AS column_name, a.attnum::cardinal_number AS ordinal_position,
           (CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END)::character_data AS column_default,
           (CASE WHEN a.attnotnull OR t.typtype = 'd' AND t.typnotnull THEN 'NO' ELSE 'YES' END)::yes_or_no AS is_nullable,
           (CASE WHEN b.typelem <> 0 AND b.typlen = -1 THEN 'ARRAY' WHEN bn.nspname = 'pg_catalog' THEN format_type(b.oid, NULL)
                 ELSE 'USER-DEFINED' END)::character_data AS data_type,
           (CASE WHEN m.mod <> -1 AND b.oid IN (1042, 1043) THEN m.mod - 4 WHEN m.mod <> -1 AND b.oid IN (1560, 1562) THEN m.mod END)::cardinal_number
               AS character_maximum_length,
           (CASE WHEN b.oid = 25 OR b.oid IN (1042, 1043) AND m.mod = -1 THEN 1073741824
                 WHEN b.oid IN (1042, 1043) THEN (m.mod - 4) * pg_encoding_max_length((SELECT encoding FROM pg_database WHERE datname = current_database()))
            END)::cardinal_number AS character_octet_length,
           (CASE b.oid WHEN 21 THEN 16 WHEN 23 THEN 32 WHEN 20 THEN 64 WHEN 700 THEN 24 WHEN 701 THEN 53
                 WHEN 1700 THEN CASE WHEN m.mod <> -1 THEN ((m.mod - 4) >> 16) & 65535 END END)::cardinal_number AS numeric_precision,
           (CASE WHEN b.oid IN (20, 21, 23, 700, 701) THEN 2 WHEN b.oid = 1700 THEN 10 END)::cardinal_number AS numeric_precision_radix,
           (CASE WHEN b.oid IN (20, 21, 23) THEN 0 WHEN b.oid = 1700 AND m.mod <> -1 THEN (m.mod - 4) & 65535 END)::cardinal_number AS numeric_scale,
           (CASE WHEN b.oid = 1082 THEN 0 WHEN b.oid IN (1083, 1114, 1184, 1266) THEN CASE WHEN m.mod < 0 THEN 6 ELSE m.mod END
                 WHEN b.oid = 1186 THEN CASE WHEN m.mod < 0 OR m.mod & 65535 = 65535 THEN 6 ELSE m.mod & 65535 END END)::cardinal_number
               AS datetime_precision,
           (CASE WHEN b.oid = 1186 THEN upper(substring(format_type(b.oid, m.mod) similar 'interval[()0-9]* #"%#"' escape '#')) END)::character_data
               AS interval_type,
           NULL::cardinal_number AS interval_precision, NULL::sql_identifier AS character_set_catalog, NULL::sql_identifier AS character_set_schema,
           NULL::sql_identifier AS character_set_name,
           (CASE WHEN k.collname IS NOT NULL THEN current_database() END)::sql_identifier AS collation_catalog,
           kn.nspname::sql_identifier AS collation_schema, k.collname::sql_identifier AS collation_name,
           (CASE WHEN t.typtype = 'd' THEN current_database() END)::sql_identifier AS domain_catalog,
           (CASE WHEN t.typtype = 'd' THEN tn.nspname END)::sql_identifier AS domain_schema,
           (CASE WHEN t.typtype = 'd' THEN t.typname END)::sql_identifier AS domain_name,
           current_database()::sql_identifier AS udt_catalog, bn.nspname::sql_identifier AS udt_schema, b.typname::sql_identifier AS udt_name,
           NULL::sql_identifier AS scope_catalog, NULL::sql_identifier AS scope_schema, NULL::sql_identifier AS scope_name,
           NULL::cardinal_number AS maximum_cardinality, a.attnum::sql_identifier AS dtd_identifier, 'NO'::yes_or_no AS is_self_referencing,
           (CASE WHEN a.attidentity IN ('a', 'd') THEN 'YES' ELSE 'NO' END)::yes_or_no AS is_identity,
           (CASE a.attidentity WHEN 'a' THEN 'ALWAYS' WHEN 'd' THEN 'BY DEFAULT' END)::character_data AS identity_generation,
           s.seqstart::character_data AS identity_start, s.seqincrement::character_data AS identity_increment,
           s.seqmax::character_data AS identity_maximum, s.seqmin::character_data AS identity_minimum,
           (CASE WHEN s.seqcycle THEN 'YES' ELSE 'NO' END)::yes_or_no AS identity_cycle,
           (CASE WHEN a.attgenerated <> '' THEN 'ALWAYS' ELSE 'NEVER' END)::character_data AS is_generated,
           (CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END)::character_data AS generation_expression,
           (CASE WHEN c.relkind IN ('r', 'p') OR c.relkind IN ('v', 'f') AND pg_column_is_updatable(c.oid, a.attnum, false)
                 THEN 'YES' ELSE 'NO' END)::yes_or_no AS is_updatable
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         JOIN pg_type t ON t.oid = a.atttypid JOIN pg_namespace tn ON tn.oid = t.typnamespace
         JOIN pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END JOIN pg_namespace bn ON bn.oid = b.typnamespace
         CROSS JOIN LATERAL (SELECT CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END AS mod) m
         LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
         LEFT JOIN (pg_collation k JOIN pg_namespace kn ON kn.oid = k.collnamespace)
             ON k.oid = a.attcollation AND (kn.nspname, k.collname) <> ('pg_catalog', 'default')
         LEFT JOIN LATERAL (SELECT q.* FROM pg_depend p JOIN pg_sequence q ON p.classid = 1259 AND p.objid = q.seqrelid AND p.deptype = 'i'
                            WHERE p.refclassid = 1259 AND p.refobjid = c.oid AND p.refobjsubid = a.attnum) s ON a.attidentity <> ''
    WHERE NOT pg_is_other_temp_schema(n.oid) AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'v', 'f', 'p')
          AND (pg_has_role(c.relowner, 'USAGE') OR has_column_privilege(c.oid, a.attnum, 'SELECT, INSERT, UPDATE, REFERENCES'));

CREATE VIEW views AS
    SELECT current_database()::sql_identifier AS table_catalog, n.nspname::sql_identifier AS table_schema, c.relname::sql_identifier AS table_name,
           (CASE WHEN pg_has_role(c.relowner, 'USAGE') THEN pg_get_viewdef(c.oid) END)::character_data AS view_definition,
           (CASE WHEN 'check_option=cascaded' = ANY (c.reloptions) THEN 'CASCADED' WHEN 'check_option=local' = ANY (c.reloptions) THEN 'LOCAL'
                 ELSE 'NONE' END)::character_data AS check_option,
           (CASE WHEN pg_relation_is_updatable(c.oid, false) & 20 = 20 THEN 'YES' ELSE 'NO' END)::yes_or_no AS is_updatable,
           (CASE WHEN pg_relation_is_updatable(c.oid, false) & 8 = 8 THEN 'YES' ELSE 'NO' END)::yes_or_no AS is_insertable_into,
           (CASE WHEN EXISTS (SELECT 1 FROM pg_trigger g WHERE g.tgrelid = c.oid AND g.tgtype & 81 = 81) THEN 'YES' ELSE 'NO' END)::yes_or_no
               AS is_trigger_updatable,
           (CASE WHEN EXISTS (SELECT 1 FROM pg_trigger g WHERE g.tgrelid = c.oid AND g.tgtype & 73 = 73) THEN 'YES' ELSE 'NO' END)::yes_or_no
               AS is_trigger_deletable,
           (CASE WHEN EXISTS (SELECT 1 FROM pg_trigger g WHERE g.tgrelid = c.oid AND g.tgtype & 69 = 69) THEN 'YES' ELSE 'NO' END)::yes_or_no
               AS is_trigger_insertable_into
    FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid
    WHERE c.relkind = 'v' AND NOT pg_is_other_temp_schema(n.oid)
          AND (pg_has_role(c.relowner, 'USAGE')
               OR has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
               OR has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE, REFERENCES'));

CREATE VIEW table_constraints AS
    SELECT current_database()::sql_identifier AS constraint_catalog, kn.nspname::sql_identifier AS constraint_schema,
           k.conname::sql_identifier AS constraint_name, current_database()::sql_identifier AS table_catalog, n.nspname::sql_identifier AS table_schema,
           c.relname::sql_identifier AS table_name,
           (CASE k.contype WHEN 'c' THEN 'CHECK' WHEN 'f' THEN 'FOREIGN KEY' WHEN 'p' THEN 'PRIMARY KEY' WHEN 'u' THEN 'UNIQUE' END)::character_data
               AS constraint_type,
           (CASE WHEN k.condeferrable THEN 'YES' ELSE 'NO' END)::yes_or_no AS is_deferrable,
           (CASE WHEN k.condeferred THEN 'YES' ELSE 'NO' END)::yes_or_no AS initially_deferred, 'YES'::yes_or_no AS enforced,
           (CASE WHEN k.contype = 'u' THEN CASE WHEN (SELECT NOT x.indnullsnotdistinct FROM pg_index x WHERE x.indexrelid = k.conindid)
                 THEN 'YES' ELSE 'NO' END END)::yes_or_no AS nulls_distinct
    FROM pg_constraint k JOIN pg_namespace kn ON kn.oid = k.connamespace JOIN pg_class c ON c.oid = k.conrelid
         JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE k.contype NOT IN ('t', 'x') AND c.relkind IN ('r', 'p') AND NOT pg_is_other_temp_schema(n.oid)
          AND (pg_has_role(c.relowner, 'USAGE') OR has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
               OR has_any_column_privilege(c.oid, 'INSERT, UPDATE, REFERENCES'))
    UNION ALL
    SELECT current_database()::sql_identifier, n.nspname::sql_identifier,
           (n.oid::text || '_' || c.oid::text || '_' || a.attnum::text || '_not_null')::sql_identifier, current_database()::sql_identifier,
           n.nspname::sql_identifier, c.relname::sql_identifier, 'CHECK'::character_data, 'NO'::yes_or_no, 'NO'::yes_or_no, 'YES'::yes_or_no, NULL::yes_or_no
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE a.attnotnull AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p') AND NOT pg_is_other_temp_schema(n.oid)
          AND (pg_has_role(c.relowner, 'USAGE') OR has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
               OR has_any_column_privilege(c.oid, 'INSERT, UPDATE, REFERENCES'));

CREATE VIEW key_column_usage AS
    SELECT current_database()::sql_identifier AS constraint_catalog, k.nspname::sql_identifier AS constraint_schema,
           k.conname::sql_identifier AS constraint_name, current_database()::sql_identifier AS table_catalog, k.nspname::sql_identifier AS table_schema,
           k.relname::sql_identifier AS table_name, a.attname::sql_identifier AS column_name, k.pos::cardinal_number AS ordinal_position,
           (CASE WHEN k.contype = 'f' THEN
                (SELECT i.n FROM (SELECT generate_subscripts(x.indkey, 1) + 1 AS n, x.indkey, x.indnkeyatts FROM pg_index x WHERE x.indexrelid = k.conindid) i
                 WHERE i.indkey[i.n - 1] = k.confkey[k.pos] AND i.n <= i.indnkeyatts)
            END)::cardinal_number AS position_in_unique_constraint
    FROM (SELECT n.nspname, o.conname, o.contype, o.conindid, o.confkey, o.conkey, c.relname, c.oid AS relid, c.relowner,
                 generate_subscripts(o.conkey, 1) AS pos
          FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid JOIN pg_namespace n ON n.oid = o.connamespace
          WHERE o.contype IN ('p', 'u', 'f') AND c.relkind IN ('r', 'p') AND NOT pg_is_other_temp_schema(c.relnamespace)) k
         JOIN pg_attribute a ON a.attrelid = k.relid AND a.attnum = k.conkey[k.pos]
    WHERE NOT a.attisdropped
          AND (pg_has_role(k.relowner, 'USAGE') OR has_column_privilege(k.relid, a.attnum, 'SELECT, INSERT, UPDATE, REFERENCES'));

CREATE VIEW constraint_column_usage AS
    SELECT current_database()::sql_identifier AS table_catalog, x.nspname::sql_identifier AS table_schema, x.relname::sql_identifier AS table_name,
           x.attname::sql_identifier AS column_name, current_database()::sql_identifier AS constraint_catalog,
           x.kschema::sql_identifier AS constraint_schema, x.conname::sql_identifier AS constraint_name
    FROM (SELECT n.nspname, c.relname, c.relowner, a.attname, kn.nspname AS kschema, k.conname
          FROM pg_constraint k JOIN pg_namespace kn ON kn.oid = k.connamespace
               JOIN pg_depend d ON d.classid = 2606 AND d.objid = k.oid AND d.refclassid = 1259
               JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
               JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE k.contype = 'c' AND c.relkind IN ('r', 'p') AND NOT a.attisdropped
          UNION
          SELECT n.nspname, c.relname, c.relowner, a.attname, kn.nspname, k.conname
          FROM pg_constraint k JOIN pg_namespace kn ON kn.oid = k.connamespace
               JOIN pg_attribute a ON a.attrelid = CASE WHEN k.contype = 'f' THEN k.confrelid ELSE k.conrelid END
                    AND a.attnum = ANY (CASE WHEN k.contype = 'f' THEN k.confkey ELSE k.conkey END)
               JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE k.contype IN ('p', 'u', 'f') AND c.relkind IN ('r', 'p') AND NOT a.attisdropped) x
    WHERE pg_has_role(x.relowner, 'USAGE');

CREATE VIEW constraint_table_usage AS
    SELECT current_database()::sql_identifier AS table_catalog, n.nspname::sql_identifier AS table_schema, c.relname::sql_identifier AS table_name,
           current_database()::sql_identifier AS constraint_catalog, kn.nspname::sql_identifier AS constraint_schema, k.conname::sql_identifier AS constraint_name
    FROM pg_constraint k JOIN pg_namespace kn ON kn.oid = k.connamespace
         JOIN pg_class c ON c.oid = CASE WHEN k.contype = 'f' THEN k.confrelid ELSE k.conrelid END JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE k.contype IN ('p', 'u', 'f') AND c.relkind IN ('r', 'p') AND pg_has_role(c.relowner, 'USAGE');

CREATE VIEW referential_constraints AS
    SELECT current_database()::sql_identifier AS constraint_catalog, kn.nspname::sql_identifier AS constraint_schema,
           k.conname::sql_identifier AS constraint_name,
           (CASE WHEN u.conname IS NOT NULL THEN current_database() END)::sql_identifier AS unique_constraint_catalog,
           un.nspname::sql_identifier AS unique_constraint_schema, u.conname::sql_identifier AS unique_constraint_name,
           (CASE k.confmatchtype WHEN 'f' THEN 'FULL' WHEN 'p' THEN 'PARTIAL' WHEN 's' THEN 'NONE' END)::character_data AS match_option,
           (CASE k.confupdtype WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' WHEN 'd' THEN 'SET DEFAULT' WHEN 'r' THEN 'RESTRICT'
                 WHEN 'a' THEN 'NO ACTION' END)::character_data AS update_rule,
           (CASE k.confdeltype WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' WHEN 'd' THEN 'SET DEFAULT' WHEN 'r' THEN 'RESTRICT'
                 WHEN 'a' THEN 'NO ACTION' END)::character_data AS delete_rule
    FROM pg_constraint k JOIN pg_namespace kn ON kn.oid = k.connamespace JOIN pg_class c ON c.oid = k.conrelid
         LEFT JOIN (pg_constraint u JOIN pg_namespace un ON un.oid = u.connamespace)
             ON u.conrelid = k.confrelid AND u.conindid = k.conindid AND u.contype IN ('p', 'u')
    WHERE k.contype = 'f' AND c.relkind IN ('r', 'p')
          AND (pg_has_role(c.relowner, 'USAGE') OR has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
               OR has_any_column_privilege(c.oid, 'INSERT, UPDATE, REFERENCES'));

CREATE VIEW check_constraints AS
    SELECT current_database()::sql_identifier AS constraint_catalog, n.nspname::sql_identifier AS constraint_schema,
           k.conname::sql_identifier AS constraint_name, substring(pg_get_constraintdef(k.oid), 7)::character_data AS check_clause
    FROM pg_constraint k LEFT JOIN pg_namespace n ON n.oid = k.connamespace LEFT JOIN pg_class c ON c.oid = k.conrelid
         LEFT JOIN pg_type t ON t.oid = k.contypid
    WHERE pg_has_role(coalesce(c.relowner, t.typowner), 'USAGE') AND k.contype = 'c'
    UNION
    SELECT current_database()::sql_identifier, n.nspname::sql_identifier,
           (n.oid::text || '_' || c.oid::text || '_' || a.attnum::text || '_not_null')::sql_identifier, (a.attname || ' IS NOT NULL')::character_data
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull AND c.relkind IN ('r', 'p') AND pg_has_role(c.relowner, 'USAGE');

CREATE VIEW sequences AS
    SELECT current_database()::sql_identifier AS sequence_catalog, n.nspname::sql_identifier AS sequence_schema, c.relname::sql_identifier AS sequence_name,
           format_type(s.seqtypid, NULL)::character_data AS data_type,
           (CASE s.seqtypid WHEN 21 THEN 16 WHEN 23 THEN 32 WHEN 20 THEN 64 END)::cardinal_number AS numeric_precision,
           2::cardinal_number AS numeric_precision_radix, 0::cardinal_number AS numeric_scale, s.seqstart::character_data AS start_value,
           s.seqmin::character_data AS minimum_value, s.seqmax::character_data AS maximum_value, s.seqincrement::character_data AS increment,
           (CASE WHEN s.seqcycle THEN 'YES' ELSE 'NO' END)::yes_or_no AS cycle_option
    FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid JOIN pg_sequence s ON s.seqrelid = c.oid
    WHERE c.relkind = 'S' AND NOT pg_is_other_temp_schema(n.oid)
          AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 1259 AND d.objid = c.oid AND d.deptype = 'i')
          AND (pg_has_role(c.relowner, 'USAGE') OR has_sequence_privilege(c.oid, 'SELECT, UPDATE, USAGE'));

CREATE VIEW routines AS
    SELECT current_database()::sql_identifier AS specific_catalog,
           n.nspname::sql_identifier AS specific_schema,
           (p.proname || '_' || p.oid::text)::sql_identifier AS specific_name,
           current_database()::sql_identifier AS routine_catalog,
           n.nspname::sql_identifier AS routine_schema,
           p.proname::sql_identifier AS routine_name,
           (CASE p.prokind WHEN 'f' THEN 'FUNCTION' WHEN 'p' THEN 'PROCEDURE' END)::character_data AS routine_type,
           NULL::sql_identifier AS module_catalog,
           NULL::sql_identifier AS module_schema,
           NULL::sql_identifier AS module_name,
           NULL::sql_identifier AS udt_catalog,
           NULL::sql_identifier AS udt_schema,
           NULL::sql_identifier AS udt_name,
           (CASE WHEN p.prokind = 'p' THEN NULL WHEN t.typelem <> 0 AND t.typlen = -1 THEN 'ARRAY' WHEN tn.nspname = 'pg_catalog' THEN format_type(t.oid, NULL) ELSE 'USER-DEFINED' END)::character_data AS data_type,
           NULL::cardinal_number AS character_maximum_length,
           NULL::cardinal_number AS character_octet_length,
           NULL::sql_identifier AS character_set_catalog,
           NULL::sql_identifier AS character_set_schema,
           NULL::sql_identifier AS character_set_name,
           NULL::sql_identifier AS collation_catalog,
           NULL::sql_identifier AS collation_schema,
           NULL::sql_identifier AS collation_name,
           NULL::cardinal_number AS numeric_precision,
           NULL::cardinal_number AS numeric_precision_radix,
           NULL::cardinal_number AS numeric_scale,
           NULL::cardinal_number AS datetime_precision,
           NULL::character_data AS interval_type,
           NULL::cardinal_number AS interval_precision,
           (CASE WHEN tn.nspname IS NOT NULL THEN current_database() END)::sql_identifier AS type_udt_catalog,
           tn.nspname::sql_identifier AS type_udt_schema,
           t.typname::sql_identifier AS type_udt_name,
           NULL::sql_identifier AS scope_catalog,
           NULL::sql_identifier AS scope_schema,
           NULL::sql_identifier AS scope_name,
           NULL::cardinal_number AS maximum_cardinality,
           (CASE WHEN p.prokind <> 'p' THEN 0 END)::sql_identifier AS dtd_identifier,
           (CASE WHEN l.lanname = 'sql' THEN 'SQL' ELSE 'EXTERNAL' END)::character_data AS routine_body,
           (CASE WHEN pg_has_role(p.proowner, 'USAGE') THEN p.prosrc END)::character_data AS routine_definition,
           (CASE WHEN l.lanname = 'c' THEN p.prosrc END)::character_data AS external_name,
           upper(l.lanname::text)::character_data AS external_language,
           'GENERAL'::character_data AS parameter_style,
           (CASE WHEN p.provolatile = 'i' THEN 'YES' ELSE 'NO' END)::yes_or_no AS is_deterministic,
           'MODIFIES'::character_data AS sql_data_access,
           (CASE WHEN p.prokind <> 'p' THEN CASE WHEN p.proisstrict THEN 'YES' ELSE 'NO' END END)::yes_or_no AS is_null_call,
           NULL::character_data AS sql_path,
           'YES'::yes_or_no AS schema_level_routine,
           0::cardinal_number AS max_dynamic_result_sets,
           NULL::yes_or_no AS is_user_defined_cast,
           NULL::yes_or_no AS is_implicitly_invocable,
           (CASE WHEN p.prosecdef THEN 'DEFINER' ELSE 'INVOKER' END)::character_data AS security_type,
           NULL::sql_identifier AS to_sql_specific_catalog,
           NULL::sql_identifier AS to_sql_specific_schema,
           NULL::sql_identifier AS to_sql_specific_name,
           'NO'::yes_or_no AS as_locator,
           NULL::time_stamp AS created,
           NULL::time_stamp AS last_altered,
           NULL::yes_or_no AS new_savepoint_level,
           'NO'::yes_or_no AS is_udt_dependent,
           NULL::character_data AS result_cast_from_data_type,
           NULL::yes_or_no AS result_cast_as_locator,
           NULL::cardinal_number AS result_cast_char_max_length,
           NULL::cardinal_number AS result_cast_char_octet_length,
           NULL::sql_identifier AS result_cast_char_set_catalog,
           NULL::sql_identifier AS result_cast_char_set_schema,
           NULL::sql_identifier AS result_cast_char_set_name,
           NULL::sql_identifier AS result_cast_collation_catalog,
           NULL::sql_identifier AS result_cast_collation_schema,
           NULL::sql_identifier AS result_cast_collation_name,
           NULL::cardinal_number AS result_cast_numeric_precision,
           NULL::cardinal_number AS result_cast_numeric_precision_radix,
           NULL::cardinal_number AS result_cast_numeric_scale,
           NULL::cardinal_number AS result_cast_datetime_precision,
           NULL::character_data AS result_cast_interval_type,
           NULL::cardinal_number AS result_cast_interval_precision,
           NULL::sql_identifier AS result_cast_type_udt_catalog,
           NULL::sql_identifier AS result_cast_type_udt_schema,
           NULL::sql_identifier AS result_cast_type_udt_name,
           NULL::sql_identifier AS result_cast_scope_catalog,
           NULL::sql_identifier AS result_cast_scope_schema,
           NULL::sql_identifier AS result_cast_scope_name,
           NULL::cardinal_number AS result_cast_maximum_cardinality,
           NULL::sql_identifier AS result_cast_dtd_identifier
    FROM pg_namespace n JOIN pg_proc p ON p.pronamespace = n.oid JOIN pg_language l ON l.oid = p.prolang
         LEFT JOIN pg_type t ON t.oid = p.prorettype AND p.prokind <> 'p' LEFT JOIN pg_namespace tn ON tn.oid = t.typnamespace
    WHERE p.prokind IN ('f', 'p') AND (pg_has_role(p.proowner, 'USAGE') OR has_function_privilege(p.oid, 'EXECUTE'));

CREATE VIEW enabled_roles AS SELECT a.rolname::sql_identifier AS role_name FROM pg_authid a WHERE pg_has_role(a.oid, 'USAGE');

CREATE VIEW applicable_roles AS
    SELECT a.rolname::sql_identifier AS grantee, b.rolname::sql_identifier AS role_name,
           (CASE WHEN m.admin_option THEN 'YES' ELSE 'NO' END)::yes_or_no AS is_grantable
    FROM (SELECT member, roleid, admin_option FROM pg_auth_members
          UNION
          SELECT d.datdba, o.oid, false FROM pg_database d, pg_authid o WHERE d.datname = current_database() AND o.rolname = 'pg_database_owner') m
         JOIN pg_authid a ON a.oid = m.member JOIN pg_authid b ON b.oid = m.roleid
    WHERE pg_has_role(a.oid, 'USAGE');

CREATE VIEW administrable_role_authorizations AS SELECT grantee, role_name, is_grantable FROM applicable_roles WHERE is_grantable = 'YES';

CREATE VIEW character_sets AS
    SELECT NULL::sql_identifier AS character_set_catalog, NULL::sql_identifier AS character_set_schema,
           getdatabaseencoding()::sql_identifier AS character_set_name,
           (CASE WHEN getdatabaseencoding() = 'UTF8' THEN 'UCS' ELSE getdatabaseencoding() END)::sql_identifier AS character_repertoire,
           getdatabaseencoding()::sql_identifier AS form_of_use, current_database()::sql_identifier AS default_collate_catalog,
           n.nspname::sql_identifier AS default_collate_schema, c.collname::sql_identifier AS default_collate_name
    FROM pg_database d LEFT JOIN (pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace)
         ON c.collcollate = d.datcollate AND c.collctype = d.datctype
    WHERE d.datname = current_database()
    ORDER BY char_length(c.collname) DESC, c.collname LIMIT 1;

CREATE VIEW collations AS
    SELECT current_database()::sql_identifier AS collation_catalog, n.nspname::sql_identifier AS collation_schema,
           c.collname::sql_identifier AS collation_name, 'NO PAD'::character_data AS pad_attribute
    FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace
    WHERE c.collencoding IN (-1, (SELECT encoding FROM pg_database WHERE datname = current_database()));

CREATE VIEW collation_character_set_applicability AS
    SELECT current_database()::sql_identifier AS collation_catalog, n.nspname::sql_identifier AS collation_schema,
           c.collname::sql_identifier AS collation_name, NULL::sql_identifier AS character_set_catalog,
           NULL::sql_identifier AS character_set_schema, getdatabaseencoding()::sql_identifier AS character_set_name
    FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace
    WHERE c.collencoding IN (-1, (SELECT encoding FROM pg_database WHERE datname = current_database()));

CREATE VIEW attributes AS
    SELECT current_database()::sql_identifier AS udt_catalog, n.nspname::sql_identifier AS udt_schema, c.relname::sql_identifier AS udt_name,
           a.attname::sql_identifier AS attribute_name, a.attnum::cardinal_number AS ordinal_position,
           pg_get_expr(d.adbin, d.adrelid)::character_data AS attribute_default,
           (CASE WHEN a.attnotnull OR t.typtype = 'd' AND t.typnotnull THEN 'NO' ELSE 'YES' END)::yes_or_no AS is_nullable,
           (CASE WHEN t.typelem <> 0 AND t.typlen = -1 THEN 'ARRAY' WHEN tn.nspname = 'pg_catalog' THEN format_type(t.oid, NULL)
                 ELSE 'USER-DEFINED' END)::character_data AS data_type,
           (CASE WHEN a.atttypmod <> -1 AND t.oid IN (1042, 1043) THEN a.atttypmod - 4
                 WHEN a.atttypmod <> -1 AND t.oid IN (1560, 1562) THEN a.atttypmod END)::cardinal_number AS character_maximum_length,
           (CASE WHEN t.oid = 25 OR t.oid IN (1042, 1043) AND a.atttypmod = -1 THEN 1073741824
                 WHEN t.oid IN (1042, 1043) THEN (a.atttypmod - 4) * 4 END)::cardinal_number AS character_octet_length,
           NULL::sql_identifier AS character_set_catalog, NULL::sql_identifier AS character_set_schema, NULL::sql_identifier AS character_set_name,
           (CASE WHEN k.collname IS NOT NULL THEN current_database() END)::sql_identifier AS collation_catalog,
           kn.nspname::sql_identifier AS collation_schema, k.collname::sql_identifier AS collation_name,
           (CASE t.oid WHEN 21 THEN 16 WHEN 23 THEN 32 WHEN 20 THEN 64 WHEN 700 THEN 24 WHEN 701 THEN 53
                 WHEN 1700 THEN CASE WHEN a.atttypmod <> -1 THEN ((a.atttypmod - 4) >> 16) & 65535 END END)::cardinal_number AS numeric_precision,
           (CASE WHEN t.oid IN (20, 21, 23, 700, 701) THEN 2 WHEN t.oid = 1700 THEN 10 END)::cardinal_number AS numeric_precision_radix,
           (CASE WHEN t.oid IN (20, 21, 23) THEN 0 WHEN t.oid = 1700 AND a.atttypmod <> -1 THEN (a.atttypmod - 4) & 65535 END)::cardinal_number
               AS numeric_scale,
           (CASE WHEN t.oid = 1082 THEN 0 WHEN t.oid IN (1083, 1114, 1184, 1266) THEN CASE WHEN a.atttypmod < 0 THEN 6 ELSE a.atttypmod END
                 WHEN t.oid = 1186 THEN CASE WHEN a.atttypmod < 0 OR a.atttypmod & 65535 = 65535 THEN 6 ELSE a.atttypmod & 65535 END END)::cardinal_number
               AS datetime_precision,
           (CASE WHEN t.oid = 1186 THEN upper(substring(format_type(t.oid, a.atttypmod) similar 'interval[()0-9]* #"%#"' escape '#')) END)::character_data
               AS interval_type,
           NULL::cardinal_number AS interval_precision, current_database()::sql_identifier AS attribute_udt_catalog,
           tn.nspname::sql_identifier AS attribute_udt_schema, t.typname::sql_identifier AS attribute_udt_name,
           NULL::sql_identifier AS scope_catalog, NULL::sql_identifier AS scope_schema, NULL::sql_identifier AS scope_name,
           NULL::cardinal_number AS maximum_cardinality, a.attnum::sql_identifier AS dtd_identifier, 'NO'::yes_or_no AS is_derived_reference_attribute
    FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
         JOIN (pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace) ON c.oid = a.attrelid
         JOIN (pg_type t JOIN pg_namespace tn ON tn.oid = t.typnamespace) ON t.oid = a.atttypid
         LEFT JOIN (pg_collation k JOIN pg_namespace kn ON kn.oid = k.collnamespace)
             ON k.oid = a.attcollation AND (kn.nspname <> 'pg_catalog' OR k.collname <> 'default')
    WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind = 'c'
          AND (pg_has_role(c.relowner, 'USAGE') OR has_type_privilege(c.reltype, 'USAGE'));

CREATE VIEW domains AS
    SELECT current_database()::sql_identifier AS domain_catalog, n.nspname::sql_identifier AS domain_schema, t.typname::sql_identifier AS domain_name,
           (CASE WHEN b.typelem <> 0 AND b.typlen = -1 THEN 'ARRAY' WHEN bn.nspname = 'pg_catalog' THEN format_type(b.oid, NULL)
                 ELSE 'USER-DEFINED' END)::character_data AS data_type,
           (CASE WHEN t.typtypmod <> -1 AND b.oid IN (1042, 1043) THEN t.typtypmod - 4
                 WHEN t.typtypmod <> -1 AND b.oid IN (1560, 1562) THEN t.typtypmod END)::cardinal_number AS character_maximum_length,
           (CASE WHEN b.oid = 25 OR b.oid IN (1042, 1043) AND t.typtypmod = -1 THEN 1073741824
                 WHEN b.oid IN (1042, 1043) THEN (t.typtypmod - 4) * 4 END)::cardinal_number AS character_octet_length,
           NULL::sql_identifier AS character_set_catalog, NULL::sql_identifier AS character_set_schema, NULL::sql_identifier AS character_set_name,
           (CASE WHEN k.collname IS NOT NULL THEN current_database() END)::sql_identifier AS collation_catalog,
           kn.nspname::sql_identifier AS collation_schema, k.collname::sql_identifier AS collation_name,
           (CASE b.oid WHEN 21 THEN 16 WHEN 23 THEN 32 WHEN 20 THEN 64 WHEN 700 THEN 24 WHEN 701 THEN 53
                 WHEN 1700 THEN CASE WHEN t.typtypmod <> -1 THEN ((t.typtypmod - 4) >> 16) & 65535 END END)::cardinal_number AS numeric_precision,
           (CASE WHEN b.oid IN (20, 21, 23, 700, 701) THEN 2 WHEN b.oid = 1700 THEN 10 END)::cardinal_number AS numeric_precision_radix,
           (CASE WHEN b.oid IN (20, 21, 23) THEN 0 WHEN b.oid = 1700 AND t.typtypmod <> -1 THEN (t.typtypmod - 4) & 65535 END)::cardinal_number
               AS numeric_scale,
           (CASE WHEN b.oid = 1082 THEN 0 WHEN b.oid IN (1083, 1114, 1184, 1266) THEN CASE WHEN t.typtypmod < 0 THEN 6 ELSE t.typtypmod END
                 WHEN b.oid = 1186 THEN CASE WHEN t.typtypmod < 0 OR t.typtypmod & 65535 = 65535 THEN 6 ELSE t.typtypmod & 65535 END END)::cardinal_number
               AS datetime_precision,
           (CASE WHEN b.oid = 1186 THEN upper(substring(format_type(b.oid, t.typtypmod) similar 'interval[()0-9]* #"%#"' escape '#')) END)::character_data
               AS interval_type,
           NULL::cardinal_number AS interval_precision, t.typdefault::character_data AS domain_default,
           current_database()::sql_identifier AS udt_catalog, bn.nspname::sql_identifier AS udt_schema, b.typname::sql_identifier AS udt_name,
           NULL::sql_identifier AS scope_catalog, NULL::sql_identifier AS scope_schema, NULL::sql_identifier AS scope_name,
           NULL::cardinal_number AS maximum_cardinality, 1::sql_identifier AS dtd_identifier
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
         JOIN (pg_type b JOIN pg_namespace bn ON bn.oid = b.typnamespace) ON t.typbasetype = b.oid AND t.typtype = 'd'
         LEFT JOIN (pg_collation k JOIN pg_namespace kn ON kn.oid = k.collnamespace)
             ON k.oid = t.typcollation AND (kn.nspname <> 'pg_catalog' OR k.collname <> 'default')
    WHERE pg_has_role(t.typowner, 'USAGE') OR has_type_privilege(t.oid, 'USAGE');

CREATE VIEW domain_constraints AS
    SELECT current_database()::sql_identifier AS constraint_catalog, cn.nspname::sql_identifier AS constraint_schema,
           con.conname::sql_identifier AS constraint_name, current_database()::sql_identifier AS domain_catalog,
           n.nspname::sql_identifier AS domain_schema, t.typname::sql_identifier AS domain_name,
           (CASE WHEN con.condeferrable THEN 'YES' ELSE 'NO' END)::yes_or_no AS is_deferrable,
           (CASE WHEN con.condeferred THEN 'YES' ELSE 'NO' END)::yes_or_no AS initially_deferred
    FROM pg_namespace cn JOIN pg_constraint con ON con.connamespace = cn.oid JOIN pg_type t ON t.oid = con.contypid
         JOIN pg_namespace n ON n.oid = t.typnamespace
    WHERE pg_has_role(t.typowner, 'USAGE') OR has_type_privilege(t.oid, 'USAGE');

CREATE VIEW domain_udt_usage AS
    SELECT current_database()::sql_identifier AS udt_catalog, bn.nspname::sql_identifier AS udt_schema, b.typname::sql_identifier AS udt_name,
           current_database()::sql_identifier AS domain_catalog, n.nspname::sql_identifier AS domain_schema, t.typname::sql_identifier AS domain_name
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace JOIN pg_type b ON b.oid = t.typbasetype JOIN pg_namespace bn ON bn.oid = b.typnamespace
    WHERE t.typtype = 'd' AND pg_has_role(b.typowner, 'USAGE');

CREATE VIEW column_domain_usage AS
    SELECT current_database()::sql_identifier AS domain_catalog, tn.nspname::sql_identifier AS domain_schema, t.typname::sql_identifier AS domain_name,
           current_database()::sql_identifier AS table_catalog, n.nspname::sql_identifier AS table_schema, c.relname::sql_identifier AS table_name,
           a.attname::sql_identifier AS column_name
    FROM pg_type t JOIN pg_namespace tn ON tn.oid = t.typnamespace JOIN pg_attribute a ON a.atttypid = t.oid JOIN pg_class c ON c.oid = a.attrelid
         JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE t.typtype = 'd' AND c.relkind IN ('r', 'v', 'f', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND pg_has_role(t.typowner, 'USAGE');

CREATE VIEW column_udt_usage AS
    SELECT current_database()::sql_identifier AS udt_catalog, coalesce(bn.nspname, tn.nspname)::sql_identifier AS udt_schema,
           coalesce(b.typname, t.typname)::sql_identifier AS udt_name, current_database()::sql_identifier AS table_catalog,
           n.nspname::sql_identifier AS table_schema, c.relname::sql_identifier AS table_name, a.attname::sql_identifier AS column_name
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         JOIN (pg_type t JOIN pg_namespace tn ON tn.oid = t.typnamespace) ON t.oid = a.atttypid
         LEFT JOIN (pg_type b JOIN pg_namespace bn ON bn.oid = b.typnamespace) ON t.typtype = 'd' AND t.typbasetype = b.oid
    WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'v', 'f', 'p') AND pg_has_role(coalesce(b.typowner, t.typowner), 'USAGE');

CREATE VIEW column_column_usage AS
    SELECT DISTINCT current_database()::sql_identifier AS table_catalog, n.nspname::sql_identifier AS table_schema, c.relname::sql_identifier AS table_name,
           f.attname::sql_identifier AS column_name, g.attname::sql_identifier AS dependent_column
    FROM pg_namespace n, pg_class c, pg_depend d, pg_attrdef x, pg_attribute f, pg_attribute g
    WHERE n.oid = c.relnamespace AND c.oid = f.attrelid AND c.oid = g.attrelid AND f.attnum <> g.attnum AND x.adrelid = c.oid AND x.adnum = g.attnum
          AND d.classid = 2604 AND d.objid = x.oid AND d.refclassid = 1259
          AND d.refobjid = c.oid AND d.refobjsubid = f.attnum AND g.attgenerated <> '' AND pg_has_role(c.relowner, 'USAGE');

CREATE VIEW column_privileges AS
    SELECT gr.rolname::sql_identifier AS grantor, ge.rolname::sql_identifier AS grantee, current_database()::sql_identifier AS table_catalog,
           n.nspname::sql_identifier AS table_schema, x.relname::sql_identifier AS table_name, x.attname::sql_identifier AS column_name,
           x.prtype::character_data AS privilege_type,
           (CASE WHEN pg_has_role(x.grantee, x.relowner, 'USAGE') OR x.grantable THEN 'YES' ELSE 'NO' END)::yes_or_no AS is_grantable
    FROM (SELECT c.grantor, c.grantee, a.attname, c.relname, c.relnamespace, c.prtype, c.grantable, c.relowner
          FROM (SELECT k.oid, k.relname, k.relnamespace, k.relowner, e.grantor, e.grantee, e.privilege_type AS prtype, e.is_grantable AS grantable
                FROM pg_class k, LATERAL aclexplode(coalesce(k.relacl, acldefault('r', k.relowner))) e WHERE k.relkind IN ('r', 'v', 'f', 'p')) c,
               pg_attribute a
          WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          UNION
          SELECT e.grantor, e.grantee, a.attname, k.relname, k.relnamespace, e.privilege_type, e.is_grantable, k.relowner
          FROM pg_attribute a JOIN pg_class k ON k.oid = a.attrelid, LATERAL aclexplode(coalesce(a.attacl, acldefault('c', k.relowner))) e
          WHERE a.attnum > 0 AND NOT a.attisdropped AND k.relkind IN ('r', 'v', 'f', 'p')) x,
         pg_namespace n, pg_authid gr, (SELECT oid, rolname FROM pg_authid UNION ALL SELECT 0::oid, 'PUBLIC') ge (oid, rolname)
    WHERE x.relnamespace = n.oid AND x.grantee = ge.oid AND x.grantor = gr.oid AND x.prtype IN ('INSERT', 'SELECT', 'UPDATE', 'REFERENCES')
          AND (pg_has_role(gr.oid, 'USAGE') OR pg_has_role(ge.oid, 'USAGE') OR ge.rolname = 'PUBLIC');

CREATE VIEW role_column_grants AS
    SELECT grantor, grantee, table_catalog, table_schema, table_name, column_name, privilege_type, is_grantable FROM column_privileges
    WHERE grantor IN (SELECT role_name FROM enabled_roles) OR grantee IN (SELECT role_name FROM enabled_roles);

CREATE VIEW table_privileges AS
    SELECT gr.rolname::sql_identifier AS grantor, ge.rolname::sql_identifier AS grantee, current_database()::sql_identifier AS table_catalog,
           n.nspname::sql_identifier AS table_schema, c.relname::sql_identifier AS table_name, e.privilege_type::character_data AS privilege_type,
           (CASE WHEN pg_has_role(ge.oid, c.relowner, 'USAGE') OR e.is_grantable THEN 'YES' ELSE 'NO' END)::yes_or_no AS is_grantable,
           (CASE WHEN e.privilege_type = 'SELECT' THEN 'YES' ELSE 'NO' END)::yes_or_no AS with_hierarchy
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
         LATERAL aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) e, pg_authid gr,
         (SELECT oid, rolname FROM pg_authid UNION ALL SELECT 0::oid, 'PUBLIC') ge (oid, rolname)
    WHERE c.relkind IN ('r', 'v', 'f', 'p') AND e.grantee = ge.oid AND e.grantor = gr.oid
          AND e.privilege_type IN ('INSERT', 'SELECT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER')
          AND (pg_has_role(gr.oid, 'USAGE') OR pg_has_role(ge.oid, 'USAGE') OR ge.rolname = 'PUBLIC');

CREATE VIEW role_table_grants AS
    SELECT grantor, grantee, table_catalog, table_schema, table_name, privilege_type, is_grantable, with_hierarchy FROM table_privileges
    WHERE grantor IN (SELECT role_name FROM enabled_roles) OR grantee IN (SELECT role_name FROM enabled_roles);

CREATE VIEW routine_privileges AS
    SELECT gr.rolname::sql_identifier AS grantor, ge.rolname::sql_identifier AS grantee, current_database()::sql_identifier AS specific_catalog,
           n.nspname::sql_identifier AS specific_schema, nameconcatoid(p.proname, p.oid)::sql_identifier AS specific_name,
           current_database()::sql_identifier AS routine_catalog, n.nspname::sql_identifier AS routine_schema, p.proname::sql_identifier AS routine_name,
           'EXECUTE'::character_data AS privilege_type,
           (CASE WHEN pg_has_role(ge.oid, p.proowner, 'USAGE') OR e.is_grantable THEN 'YES' ELSE 'NO' END)::yes_or_no AS is_grantable
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace, LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) e,
         pg_authid gr, (SELECT oid, rolname FROM pg_authid UNION ALL SELECT 0::oid, 'PUBLIC') ge (oid, rolname)
    WHERE e.grantee = ge.oid AND e.grantor = gr.oid AND e.privilege_type = 'EXECUTE'
          AND (pg_has_role(gr.oid, 'USAGE') OR pg_has_role(ge.oid, 'USAGE') OR ge.rolname = 'PUBLIC');

CREATE VIEW role_routine_grants AS
    SELECT grantor, grantee, specific_catalog, specific_schema, specific_name, routine_catalog, routine_schema, routine_name, privilege_type, is_grantable
    FROM routine_privileges WHERE grantor IN (SELECT role_name FROM enabled_roles) OR grantee IN (SELECT role_name FROM enabled_roles);

CREATE VIEW udt_privileges AS
    SELECT gr.rolname::sql_identifier AS grantor, ge.rolname::sql_identifier AS grantee, current_database()::sql_identifier AS udt_catalog,
           n.nspname::sql_identifier AS udt_schema, t.typname::sql_identifier AS udt_name, 'TYPE USAGE'::character_data AS privilege_type,
           (CASE WHEN pg_has_role(ge.oid, t.typowner, 'USAGE') OR e.is_grantable THEN 'YES' ELSE 'NO' END)::yes_or_no AS is_grantable
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace, LATERAL aclexplode(coalesce(t.typacl, acldefault('T', t.typowner))) e,
         pg_authid gr, (SELECT oid, rolname FROM pg_authid UNION ALL SELECT 0::oid, 'PUBLIC') ge (oid, rolname)
    WHERE t.typtype = 'c' AND e.grantee = ge.oid AND e.grantor = gr.oid AND e.privilege_type = 'USAGE'
          AND (pg_has_role(gr.oid, 'USAGE') OR pg_has_role(ge.oid, 'USAGE') OR ge.rolname = 'PUBLIC');

CREATE VIEW role_udt_grants AS
    SELECT grantor, grantee, udt_catalog, udt_schema, udt_name, privilege_type, is_grantable FROM udt_privileges
    WHERE grantor IN (SELECT role_name FROM enabled_roles) OR grantee IN (SELECT role_name FROM enabled_roles);

CREATE VIEW usage_privileges AS
    SELECT o.rolname::sql_identifier AS grantor, 'PUBLIC'::sql_identifier AS grantee, current_database()::sql_identifier AS object_catalog,
           n.nspname::sql_identifier AS object_schema, c.collname::sql_identifier AS object_name, 'COLLATION'::character_data AS object_type,
           'USAGE'::character_data AS privilege_type, 'NO'::yes_or_no AS is_grantable
    FROM pg_authid o, pg_namespace n, pg_collation c
    WHERE o.oid = c.collowner AND n.oid = c.collnamespace AND c.collencoding IN (-1, (SELECT encoding FROM pg_database WHERE datname = current_database()))
    UNION ALL
    SELECT gr.rolname::sql_identifier, ge.rolname::sql_identifier, current_database()::sql_identifier, x.nspname::sql_identifier, x.name::sql_identifier,
           x.kind::character_data, 'USAGE'::character_data,
           (CASE WHEN pg_has_role(ge.oid, x.owner, 'USAGE') OR x.is_grantable THEN 'YES' ELSE 'NO' END)::yes_or_no
    FROM (SELECT n.nspname, t.typname AS name, 'DOMAIN' AS kind, t.typowner AS owner, e.grantor, e.grantee, e.is_grantable
          FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace, LATERAL aclexplode(coalesce(t.typacl, acldefault('T', t.typowner))) e
          WHERE t.typtype = 'd' AND e.privilege_type = 'USAGE'
          UNION ALL
          SELECT '', f.fdwname, 'FOREIGN DATA WRAPPER', f.fdwowner, e.grantor, e.grantee, e.is_grantable
          FROM pg_foreign_data_wrapper f, LATERAL aclexplode(coalesce(f.fdwacl, acldefault('F', f.fdwowner))) e WHERE e.privilege_type = 'USAGE'
          UNION ALL
          SELECT '', s.srvname, 'FOREIGN SERVER', s.srvowner, e.grantor, e.grantee, e.is_grantable
          FROM pg_foreign_server s, LATERAL aclexplode(coalesce(s.srvacl, acldefault('S', s.srvowner))) e WHERE e.privilege_type = 'USAGE'
          UNION ALL
          SELECT n.nspname, c.relname, 'SEQUENCE', c.relowner, e.grantor, e.grantee, e.is_grantable
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, LATERAL aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) e
          WHERE c.relkind = 'S' AND e.privilege_type = 'USAGE') x,
         pg_authid gr, (SELECT oid, rolname FROM pg_authid UNION ALL SELECT 0::oid, 'PUBLIC') ge (oid, rolname)
    WHERE x.grantor = gr.oid AND x.grantee = ge.oid AND (pg_has_role(gr.oid, 'USAGE') OR pg_has_role(ge.oid, 'USAGE') OR ge.rolname = 'PUBLIC');

CREATE VIEW role_usage_grants AS
    SELECT grantor, grantee, object_catalog, object_schema, object_name, object_type, privilege_type, is_grantable FROM usage_privileges
    WHERE grantor IN (SELECT role_name FROM enabled_roles) OR grantee IN (SELECT role_name FROM enabled_roles);

CREATE VIEW view_table_usage AS
    SELECT DISTINCT current_database()::sql_identifier AS view_catalog, vn.nspname::sql_identifier AS view_schema, v.relname::sql_identifier AS view_name,
           current_database()::sql_identifier AS table_catalog, n.nspname::sql_identifier AS table_schema, t.relname::sql_identifier AS table_name
    FROM pg_rewrite r JOIN pg_class v ON v.oid = r.ev_class AND v.relkind = 'v' JOIN pg_namespace vn ON vn.oid = v.relnamespace
         JOIN pg_depend b ON b.objid = r.oid AND b.classid = 2618 AND b.refclassid = 1259 AND b.refobjid <> v.oid
         JOIN pg_class t ON t.oid = b.refobjid AND t.relkind IN ('r', 'v', 'f', 'p') JOIN pg_namespace n ON n.oid = t.relnamespace
    WHERE pg_has_role(t.relowner, 'USAGE');

CREATE VIEW view_column_usage AS
    SELECT DISTINCT current_database()::sql_identifier AS view_catalog, vn.nspname::sql_identifier AS view_schema, v.relname::sql_identifier AS view_name,
           current_database()::sql_identifier AS table_catalog, n.nspname::sql_identifier AS table_schema, t.relname::sql_identifier AS table_name,
           c.attname::sql_identifier AS column_name
    FROM pg_rewrite r JOIN pg_class v ON v.oid = r.ev_class AND v.relkind = 'v' JOIN pg_namespace vn ON vn.oid = v.relnamespace
         JOIN pg_depend b ON b.objid = r.oid AND b.classid = 2618 AND b.refclassid = 1259 AND b.refobjid <> v.oid
         JOIN pg_class t ON t.oid = b.refobjid AND t.relkind IN ('r', 'v', 'f', 'p') JOIN pg_namespace n ON n.oid = t.relnamespace
         JOIN pg_attribute c ON c.attrelid = t.oid AND c.attnum = b.refobjsubid
    WHERE pg_has_role(t.relowner, 'USAGE');

CREATE VIEW view_routine_usage AS
    SELECT DISTINCT current_database()::sql_identifier AS table_catalog, vn.nspname::sql_identifier AS table_schema, v.relname::sql_identifier AS table_name,
           current_database()::sql_identifier AS specific_catalog, n.nspname::sql_identifier AS specific_schema,
           nameconcatoid(p.proname, p.oid)::sql_identifier AS specific_name
    FROM pg_rewrite r JOIN pg_class v ON v.oid = r.ev_class AND v.relkind = 'v' JOIN pg_namespace vn ON vn.oid = v.relnamespace
         JOIN pg_depend b ON b.objid = r.oid AND b.classid = 2618 AND b.refclassid = 1255
         JOIN pg_proc p ON p.oid = b.refobjid JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE pg_has_role(p.proowner, 'USAGE');

CREATE VIEW check_constraint_routine_usage AS
    SELECT DISTINCT current_database()::sql_identifier AS constraint_catalog, cn.nspname::sql_identifier AS constraint_schema,
           c.conname::sql_identifier AS constraint_name, current_database()::sql_identifier AS specific_catalog,
           n.nspname::sql_identifier AS specific_schema, nameconcatoid(p.proname, p.oid)::sql_identifier AS specific_name
    FROM pg_namespace cn JOIN pg_constraint c ON c.connamespace = cn.oid AND c.contype = 'c'
         JOIN pg_depend d ON d.objid = c.oid AND d.classid = 2606 AND d.refclassid = 1255
         JOIN pg_proc p ON p.oid = d.refobjid JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE pg_has_role(p.proowner, 'USAGE');

CREATE VIEW routine_column_usage AS
    SELECT DISTINCT current_database()::sql_identifier AS specific_catalog, pn.nspname::sql_identifier AS specific_schema,
           nameconcatoid(p.proname, p.oid)::sql_identifier AS specific_name, current_database()::sql_identifier AS routine_catalog,
           pn.nspname::sql_identifier AS routine_schema, p.proname::sql_identifier AS routine_name, current_database()::sql_identifier AS table_catalog,
           n.nspname::sql_identifier AS table_schema, t.relname::sql_identifier AS table_name, a.attname::sql_identifier AS column_name
    FROM pg_namespace pn JOIN pg_proc p ON p.pronamespace = pn.oid
         JOIN pg_depend d ON d.objid = p.oid AND d.classid = 1255 AND d.refclassid = 1259
         JOIN pg_class t ON t.oid = d.refobjid AND t.relkind IN ('r', 'v', 'f', 'p') JOIN pg_namespace n ON n.oid = t.relnamespace
         JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
    WHERE pg_has_role(t.relowner, 'USAGE');

CREATE VIEW routine_table_usage AS
    SELECT DISTINCT current_database()::sql_identifier AS specific_catalog, pn.nspname::sql_identifier AS specific_schema,
           nameconcatoid(p.proname, p.oid)::sql_identifier AS specific_name, current_database()::sql_identifier AS routine_catalog,
           pn.nspname::sql_identifier AS routine_schema, p.proname::sql_identifier AS routine_name, current_database()::sql_identifier AS table_catalog,
           n.nspname::sql_identifier AS table_schema, t.relname::sql_identifier AS table_name
    FROM pg_namespace pn JOIN pg_proc p ON p.pronamespace = pn.oid
         JOIN pg_depend d ON d.objid = p.oid AND d.classid = 1255 AND d.refclassid = 1259
         JOIN pg_class t ON t.oid = d.refobjid AND t.relkind IN ('r', 'v', 'f', 'p') JOIN pg_namespace n ON n.oid = t.relnamespace
    WHERE pg_has_role(t.relowner, 'USAGE');

CREATE VIEW routine_sequence_usage AS
    SELECT DISTINCT current_database()::sql_identifier AS specific_catalog, pn.nspname::sql_identifier AS specific_schema,
           nameconcatoid(p.proname, p.oid)::sql_identifier AS specific_name, current_database()::sql_identifier AS routine_catalog,
           pn.nspname::sql_identifier AS routine_schema, p.proname::sql_identifier AS routine_name, current_database()::sql_identifier AS sequence_catalog,
           n.nspname::sql_identifier AS sequence_schema, t.relname::sql_identifier AS sequence_name
    FROM pg_namespace pn JOIN pg_proc p ON p.pronamespace = pn.oid
         JOIN pg_depend d ON d.objid = p.oid AND d.classid = 1255 AND d.refclassid = 1259
         JOIN pg_class t ON t.oid = d.refobjid AND t.relkind = 'S' JOIN pg_namespace n ON n.oid = t.relnamespace
    WHERE pg_has_role(t.relowner, 'USAGE');

CREATE VIEW routine_routine_usage AS
    SELECT DISTINCT current_database()::sql_identifier AS specific_catalog, pn.nspname::sql_identifier AS specific_schema,
           nameconcatoid(p.proname, p.oid)::sql_identifier AS specific_name, current_database()::sql_identifier AS routine_catalog,
           n.nspname::sql_identifier AS routine_schema, nameconcatoid(q.proname, q.oid)::sql_identifier AS routine_name
    FROM pg_namespace pn JOIN pg_proc p ON p.pronamespace = pn.oid
         JOIN pg_depend d ON d.objid = p.oid AND d.classid = 1255 AND d.refclassid = 1255
         JOIN pg_proc q ON q.oid = d.refobjid JOIN pg_namespace n ON n.oid = q.pronamespace
    WHERE pg_has_role(q.proowner, 'USAGE');

CREATE VIEW triggers AS
    SELECT current_database()::sql_identifier AS trigger_catalog, n.nspname::sql_identifier AS trigger_schema, t.tgname::sql_identifier AS trigger_name,
           e.word::character_data AS event_manipulation, current_database()::sql_identifier AS event_object_catalog,
           n.nspname::sql_identifier AS event_object_schema, c.relname::sql_identifier AS event_object_table,
           rank() OVER (PARTITION BY n.nspname, c.relname, e.bit, t.tgtype & 1, t.tgtype & 66 ORDER BY t.tgname)::cardinal_number AS action_order,
           (CASE WHEN pg_has_role(c.relowner, 'USAGE')
                 THEN (regexp_match(pg_get_triggerdef(t.oid), '.{35,} WHEN \((.+)\) EXECUTE FUNCTION'))[1] END)::character_data AS action_condition,
           substring(pg_get_triggerdef(t.oid) FROM position('EXECUTE FUNCTION' IN substring(pg_get_triggerdef(t.oid) FROM 48)) + 47)::character_data
               AS action_statement,
           (CASE t.tgtype & 1 WHEN 1 THEN 'ROW' ELSE 'STATEMENT' END)::character_data AS action_orientation,
           (CASE t.tgtype & 66 WHEN 2 THEN 'BEFORE' WHEN 64 THEN 'INSTEAD OF' ELSE 'AFTER' END)::character_data AS action_timing,
           t.tgoldtable::sql_identifier AS action_reference_old_table, t.tgnewtable::sql_identifier AS action_reference_new_table,
           NULL::sql_identifier AS action_reference_old_row, NULL::sql_identifier AS action_reference_new_row, NULL::time_stamp AS created
    FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid JOIN pg_trigger t ON t.tgrelid = c.oid,
         (VALUES (4, 'INSERT'), (8, 'DELETE'), (16, 'UPDATE')) e (bit, word)
    WHERE t.tgtype & e.bit <> 0 AND NOT t.tgisinternal AND NOT pg_is_other_temp_schema(n.oid)
          AND (pg_has_role(c.relowner, 'USAGE') OR has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
               OR has_any_column_privilege(c.oid, 'INSERT, UPDATE, REFERENCES'));

CREATE VIEW triggered_update_columns AS
    SELECT current_database()::sql_identifier AS trigger_catalog, n.nspname::sql_identifier AS trigger_schema, t.tgname::sql_identifier AS trigger_name,
           current_database()::sql_identifier AS event_object_catalog, n.nspname::sql_identifier AS event_object_schema,
           c.relname::sql_identifier AS event_object_table, a.attname::sql_identifier AS event_object_column
    FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid
         JOIN (SELECT x.tgrelid, x.tgname, x.tgattr, generate_subscripts(x.tgattr, 1) AS pos FROM pg_trigger x WHERE NOT x.tgisinternal) t ON t.tgrelid = c.oid
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = t.tgattr[t.pos]
    WHERE NOT pg_is_other_temp_schema(n.oid)
          AND (pg_has_role(c.relowner, 'USAGE') OR has_column_privilege(c.oid, a.attnum, 'INSERT, UPDATE, REFERENCES'));

CREATE VIEW parameters AS
    SELECT current_database()::sql_identifier AS specific_catalog, x.nspname::sql_identifier AS specific_schema,
           nameconcatoid(x.proname, x.poid)::sql_identifier AS specific_name, x.n::cardinal_number AS ordinal_position,
           (CASE WHEN x.modes IS NULL THEN 'IN' WHEN x.modes[x.n] = 'i' THEN 'IN' WHEN x.modes[x.n] = 'o' THEN 'OUT' WHEN x.modes[x.n] = 'b' THEN 'INOUT'
                 WHEN x.modes[x.n] = 'v' THEN 'IN' WHEN x.modes[x.n] = 't' THEN 'OUT' END)::character_data AS parameter_mode,
           'NO'::yes_or_no AS is_result, 'NO'::yes_or_no AS as_locator, nullif(x.names[x.n], '')::sql_identifier AS parameter_name,
           (CASE WHEN t.typelem <> 0 AND t.typlen = -1 THEN 'ARRAY' WHEN tn.nspname = 'pg_catalog' THEN format_type(t.oid, NULL)
                 ELSE 'USER-DEFINED' END)::character_data AS data_type,
           NULL::cardinal_number AS character_maximum_length, NULL::cardinal_number AS character_octet_length, NULL::sql_identifier AS character_set_catalog,
           NULL::sql_identifier AS character_set_schema, NULL::sql_identifier AS character_set_name, NULL::sql_identifier AS collation_catalog,
           NULL::sql_identifier AS collation_schema, NULL::sql_identifier AS collation_name, NULL::cardinal_number AS numeric_precision,
           NULL::cardinal_number AS numeric_precision_radix, NULL::cardinal_number AS numeric_scale, NULL::cardinal_number AS datetime_precision,
           NULL::character_data AS interval_type, NULL::cardinal_number AS interval_precision, current_database()::sql_identifier AS udt_catalog,
           tn.nspname::sql_identifier AS udt_schema, t.typname::sql_identifier AS udt_name, NULL::sql_identifier AS scope_catalog,
           NULL::sql_identifier AS scope_schema, NULL::sql_identifier AS scope_name, NULL::cardinal_number AS maximum_cardinality,
           x.n::sql_identifier AS dtd_identifier,
           (CASE WHEN pg_has_role(x.proowner, 'USAGE') THEN pg_get_function_arg_default(x.poid, x.n) END)::character_data AS parameter_default
    FROM pg_type t JOIN pg_namespace tn ON tn.oid = t.typnamespace
         JOIN (SELECT n.nspname, p.proname, p.oid AS poid, p.proowner, p.proargnames AS names, p.proargmodes AS modes,
                      generate_subscripts(coalesce(p.proallargtypes, p.proargtypes::oid[]), 1)
                          + CASE WHEN p.proallargtypes IS NULL THEN 1 ELSE 0 END AS n,
                      coalesce(p.proallargtypes, p.proargtypes::oid[]) AS types, CASE WHEN p.proallargtypes IS NULL THEN 1 ELSE 0 END AS base
               FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
               WHERE pg_has_role(p.proowner, 'USAGE') OR has_function_privilege(p.oid, 'EXECUTE')) x ON t.oid = x.types[x.n - x.base];

CREATE VIEW user_defined_types AS
    SELECT current_database()::sql_identifier AS user_defined_type_catalog, n.nspname::sql_identifier AS user_defined_type_schema,
           c.relname::sql_identifier AS user_defined_type_name, 'STRUCTURED'::character_data AS user_defined_type_category,
           'YES'::yes_or_no AS is_instantiable, NULL::yes_or_no AS is_final, NULL::character_data AS ordering_form, NULL::character_data AS ordering_category,
           NULL::sql_identifier AS ordering_routine_catalog, NULL::sql_identifier AS ordering_routine_schema, NULL::sql_identifier AS ordering_routine_name,
           NULL::character_data AS reference_type, NULL::character_data AS data_type, NULL::cardinal_number AS character_maximum_length,
           NULL::cardinal_number AS character_octet_length, NULL::sql_identifier AS character_set_catalog, NULL::sql_identifier AS character_set_schema,
           NULL::sql_identifier AS character_set_name, NULL::sql_identifier AS collation_catalog, NULL::sql_identifier AS collation_schema,
           NULL::sql_identifier AS collation_name, NULL::cardinal_number AS numeric_precision, NULL::cardinal_number AS numeric_precision_radix,
           NULL::cardinal_number AS numeric_scale, NULL::cardinal_number AS datetime_precision, NULL::character_data AS interval_type,
           NULL::cardinal_number AS interval_precision, NULL::sql_identifier AS source_dtd_identifier, NULL::sql_identifier AS ref_dtd_identifier
    FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid JOIN pg_type t ON t.typrelid = c.oid
    WHERE c.relkind = 'c' AND (pg_has_role(t.typowner, 'USAGE') OR has_type_privilege(t.oid, 'USAGE'));

CREATE VIEW data_type_privileges AS
    SELECT current_database()::sql_identifier AS object_catalog, x.s AS object_schema, x.n AS object_name, x.k::character_data AS object_type,
           x.d AS dtd_identifier
    FROM (SELECT udt_schema, udt_name, 'USER-DEFINED TYPE'::text, dtd_identifier FROM attributes
          UNION ALL SELECT table_schema, table_name, 'TABLE'::text, dtd_identifier FROM columns
          UNION ALL SELECT domain_schema, domain_name, 'DOMAIN'::text, dtd_identifier FROM domains
          UNION ALL SELECT specific_schema, specific_name, 'ROUTINE'::text, dtd_identifier FROM parameters
          UNION ALL SELECT specific_schema, specific_name, 'ROUTINE'::text, dtd_identifier FROM routines) x (s, n, k, d);

CREATE VIEW element_types AS
    SELECT current_database()::sql_identifier AS object_catalog, n.nspname::sql_identifier AS object_schema, x.name::sql_identifier AS object_name,
           x.kind::character_data AS object_type, x.id::sql_identifier AS collection_type_identifier,
           (CASE WHEN en.nspname = 'pg_catalog' THEN format_type(e.oid, NULL) ELSE 'USER-DEFINED' END)::character_data AS data_type,
           NULL::cardinal_number AS character_maximum_length, NULL::cardinal_number AS character_octet_length, NULL::sql_identifier AS character_set_catalog,
           NULL::sql_identifier AS character_set_schema, NULL::sql_identifier AS character_set_name,
           (CASE WHEN k.collname IS NOT NULL THEN current_database() END)::sql_identifier AS collation_catalog,
           kn.nspname::sql_identifier AS collation_schema, k.collname::sql_identifier AS collation_name, NULL::cardinal_number AS numeric_precision,
           NULL::cardinal_number AS numeric_precision_radix, NULL::cardinal_number AS numeric_scale, NULL::cardinal_number AS datetime_precision,
           NULL::character_data AS interval_type, NULL::cardinal_number AS interval_precision, NULL::character_data AS domain_default,
           current_database()::sql_identifier AS udt_catalog, en.nspname::sql_identifier AS udt_schema, e.typname::sql_identifier AS udt_name,
           NULL::sql_identifier AS scope_catalog, NULL::sql_identifier AS scope_schema, NULL::sql_identifier AS scope_name,
           NULL::cardinal_number AS maximum_cardinality, ('a' || x.id::text)::sql_identifier AS dtd_identifier
    FROM pg_namespace n
         JOIN (SELECT c.relnamespace, c.relname, CASE WHEN c.relkind = 'c' THEN 'USER-DEFINED TYPE'::text ELSE 'TABLE'::text END, a.attnum, a.atttypid,
                      a.attcollation
               FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
               WHERE c.relkind IN ('r', 'v', 'f', 'c', 'p') AND a.attnum > 0 AND NOT a.attisdropped
               UNION ALL
               SELECT t.typnamespace, t.typname, 'DOMAIN'::text, 1, t.typbasetype, t.typcollation FROM pg_type t WHERE t.typtype = 'd'
               UNION ALL
               SELECT p.pronamespace, nameconcatoid(p.proname, p.oid), 'ROUTINE'::text, p.n, p.types[p.n - p.base], 0
               FROM (SELECT q.pronamespace, q.proname, q.oid, coalesce(q.proallargtypes, q.proargtypes::oid[]) AS types,
                            generate_subscripts(coalesce(q.proallargtypes, q.proargtypes::oid[]), 1)
                                + CASE WHEN q.proallargtypes IS NULL THEN 1 ELSE 0 END AS n,
                            CASE WHEN q.proallargtypes IS NULL THEN 1 ELSE 0 END AS base
                     FROM pg_proc q) p
               UNION ALL
               SELECT p.pronamespace, nameconcatoid(p.proname, p.oid), 'ROUTINE'::text, 0, p.prorettype, 0 FROM pg_proc p) x (ns, name, kind, id, typ, coll)
             ON x.ns = n.oid
         JOIN pg_type a ON a.oid = x.typ AND a.typelem <> 0 AND a.typlen = -1 JOIN pg_type e ON e.oid = a.typelem
         JOIN pg_namespace en ON en.oid = e.typnamespace
         LEFT JOIN (pg_collation k JOIN pg_namespace kn ON kn.oid = k.collnamespace)
             ON k.oid = x.coll AND (kn.nspname <> 'pg_catalog' OR k.collname <> 'default')
    WHERE (n.nspname, x.name, x.kind, x.id::sql_identifier) IN (SELECT object_schema, object_name, object_type, dtd_identifier FROM data_type_privileges);

CREATE VIEW transforms AS
    SELECT current_database()::sql_identifier AS udt_catalog, n.nspname::sql_identifier AS udt_schema, t.typname::sql_identifier AS udt_name,
           current_database()::sql_identifier AS specific_catalog, pn.nspname::sql_identifier AS specific_schema,
           nameconcatoid(p.proname, p.oid)::sql_identifier AS specific_name, l.lanname::sql_identifier AS group_name,
           x.kind::character_data AS transform_type
    FROM (SELECT trftype, trflang, trffromsql AS fn, 'FROM SQL'::text AS kind FROM pg_transform WHERE trffromsql <> 0
          UNION ALL SELECT trftype, trflang, trftosql, 'TO SQL'::text FROM pg_transform WHERE trftosql <> 0) x
         JOIN pg_type t ON t.oid = x.trftype JOIN pg_namespace n ON n.oid = t.typnamespace JOIN pg_language l ON l.oid = x.trflang
         JOIN pg_proc p ON p.oid = x.fn JOIN pg_namespace pn ON pn.oid = p.pronamespace
    ORDER BY 1, 2, 3, 7, 8;

CREATE VIEW _pg_foreign_data_wrappers AS
    SELECT w.oid, w.fdwowner, w.fdwoptions, current_database()::sql_identifier AS foreign_data_wrapper_catalog,
           w.fdwname::sql_identifier AS foreign_data_wrapper_name, u.rolname::sql_identifier AS authorization_identifier,
           'c'::character_data AS foreign_data_wrapper_language
    FROM pg_foreign_data_wrapper w JOIN pg_authid u ON u.oid = w.fdwowner
    WHERE pg_has_role(w.fdwowner, 'USAGE') OR has_foreign_data_wrapper_privilege(w.oid, 'USAGE');

CREATE VIEW foreign_data_wrappers AS
    SELECT foreign_data_wrapper_catalog, foreign_data_wrapper_name, authorization_identifier, NULL::character_data AS library_name,
           foreign_data_wrapper_language FROM _pg_foreign_data_wrappers;

CREATE VIEW foreign_data_wrapper_options AS
    SELECT w.foreign_data_wrapper_catalog, w.foreign_data_wrapper_name, o.option_name::sql_identifier AS option_name,
           o.option_value::character_data AS option_value
    FROM _pg_foreign_data_wrappers w, LATERAL pg_options_to_table(w.fdwoptions) o;

CREATE VIEW _pg_foreign_servers AS
    SELECT s.oid, s.srvoptions, current_database()::sql_identifier AS foreign_server_catalog, s.srvname::sql_identifier AS foreign_server_name,
           current_database()::sql_identifier AS foreign_data_wrapper_catalog, w.fdwname::sql_identifier AS foreign_data_wrapper_name,
           s.srvtype::character_data AS foreign_server_type, s.srvversion::character_data AS foreign_server_version,
           u.rolname::sql_identifier AS authorization_identifier
    FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw JOIN pg_authid u ON u.oid = s.srvowner
    WHERE pg_has_role(s.srvowner, 'USAGE') OR has_server_privilege(s.oid, 'USAGE');

CREATE VIEW foreign_servers AS
    SELECT foreign_server_catalog, foreign_server_name, foreign_data_wrapper_catalog, foreign_data_wrapper_name, foreign_server_type,
           foreign_server_version, authorization_identifier FROM _pg_foreign_servers;

CREATE VIEW foreign_server_options AS
    SELECT s.foreign_server_catalog, s.foreign_server_name, o.option_name::sql_identifier AS option_name, o.option_value::character_data AS option_value
    FROM _pg_foreign_servers s, LATERAL pg_options_to_table(s.srvoptions) o;

CREATE VIEW _pg_foreign_tables AS
    SELECT current_database()::sql_identifier AS foreign_table_catalog, n.nspname::sql_identifier AS foreign_table_schema,
           c.relname::sql_identifier AS foreign_table_name, t.ftoptions, current_database()::sql_identifier AS foreign_server_catalog,
           s.srvname::sql_identifier AS foreign_server_name, u.rolname::sql_identifier AS authorization_identifier
    FROM pg_foreign_table t JOIN pg_foreign_server s ON s.oid = t.ftserver JOIN pg_class c ON c.oid = t.ftrelid
         JOIN pg_authid u ON u.oid = c.relowner JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'f' AND (pg_has_role(c.relowner, 'USAGE')
                               OR has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
                               OR has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE, REFERENCES'));

CREATE VIEW foreign_tables AS
    SELECT foreign_table_catalog, foreign_table_schema, foreign_table_name, foreign_server_catalog, foreign_server_name FROM _pg_foreign_tables;

CREATE VIEW foreign_table_options AS
    SELECT t.foreign_table_catalog, t.foreign_table_schema, t.foreign_table_name, o.option_name::sql_identifier AS option_name,
           o.option_value::character_data AS option_value
    FROM _pg_foreign_tables t, LATERAL pg_options_to_table(t.ftoptions) o;

CREATE VIEW _pg_foreign_table_columns AS
    SELECT n.nspname, c.relname, a.attname, a.attfdwoptions
    FROM pg_foreign_table t JOIN pg_class c ON c.oid = t.ftrelid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE a.attnum > 0 AND (pg_has_role(c.relowner, 'USAGE') OR has_column_privilege(c.oid, a.attnum, 'SELECT, INSERT, UPDATE, REFERENCES'));

CREATE VIEW column_options AS
    SELECT current_database()::sql_identifier AS table_catalog, c.nspname::sql_identifier AS table_schema, c.relname::sql_identifier AS table_name,
           c.attname::sql_identifier AS column_name, o.option_name::sql_identifier AS option_name, o.option_value::character_data AS option_value
    FROM _pg_foreign_table_columns c, LATERAL pg_options_to_table(c.attfdwoptions) o;

CREATE VIEW _pg_user_mappings AS
    SELECT m.oid, m.umoptions, m.umuser, coalesce(u.rolname, 'PUBLIC')::sql_identifier AS authorization_identifier, s.foreign_server_catalog,
           s.foreign_server_name, s.authorization_identifier AS srvowner
    FROM pg_user_mapping m LEFT JOIN pg_authid u ON u.oid = m.umuser JOIN _pg_foreign_servers s ON s.oid = m.umserver;

CREATE VIEW user_mappings AS SELECT authorization_identifier, foreign_server_catalog, foreign_server_name FROM _pg_user_mappings;

CREATE VIEW user_mapping_options AS
    SELECT m.authorization_identifier, m.foreign_server_catalog, m.foreign_server_name, o.option_name::sql_identifier AS option_name,
           (CASE WHEN m.umuser <> 0 AND m.authorization_identifier = current_user OR m.umuser = 0 AND pg_has_role(m.srvowner, 'USAGE')
                      OR (SELECT rolsuper FROM pg_authid WHERE rolname = current_user) THEN o.option_value END)::character_data AS option_value
    FROM _pg_user_mappings m, LATERAL pg_options_to_table(m.umoptions) o;
