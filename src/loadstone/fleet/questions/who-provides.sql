-- question: Which files are this library, or export this symbol or version?
-- parameter: name = inflate: a SONAME or other library name, a symbol, or a version
WITH found AS (
    SELECT file, slice, machine, 'library' AS what, NULL AS version FROM files WHERE identity = $name
    UNION ALL
    SELECT file, slice, machine, 'symbol', version FROM symbols WHERE role = 'export' AND name = $name
    UNION ALL
    SELECT file, slice, machine, 'version', name FROM versions WHERE role = 'definition' AND name = $name
)
SELECT DISTINCT p.package, p.package_version, p.path, found.machine, f.identity, found.what, found.version
FROM found JOIN packages p USING (file) JOIN files f USING (file, slice) ORDER BY ALL
