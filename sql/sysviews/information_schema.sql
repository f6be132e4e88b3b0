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
         LEFT JOIN (pg_depend p JOIN pg_sequence s ON p.classid = 1259 AND p.objid = s.seqrelid AND p.deptype = 'i')
             ON p.refclassid = 1259 AND p.refobjid = c.oid AND p.refobjsubid = a.attnum
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
