-- question: Which files break if a library lacks a symbol or a version?
-- parameter: library = libz.so.1: the name its users ask for: SONAME, install name or DLL name
-- parameter: lacks = inflateReset2: the symbol or the version that would be gone
-- known: library = SELECT identity FROM files UNION ALL SELECT name FROM needs
-- Who imports it from that library by version or by the format's own word; without either, who needs the library by
-- name and finds the symbol in no other library it needs. Weak imports are left out: the load goes on without them.
WITH named AS MATERIALIZED (  -- both ways apart: files are sorted by name, so that the first skips nearly all of them
    SELECT file, slice, machine, name, version, library, role, binding FROM symbols WHERE name = $lacks
    UNION
    SELECT file, slice, machine, name, version, library, role, binding FROM symbols WHERE version = $lacks
),
imported AS (SELECT * FROM named WHERE role = 'import' AND binding <> 'weak'),
offered AS (SELECT DISTINCT f.identity, f.machine FROM named n JOIN files f USING (file, slice) WHERE n.role = 'export'),
direct AS (
    SELECT i.*, 'says so' AS because FROM imported i WHERE i.library = $library
    UNION ALL
    SELECT i.*, 'needs it' FROM imported i
    JOIN needs n ON n.file = i.file AND n.slice = i.slice AND n.name = $library
    JOIN offered o ON o.identity = $library AND o.machine = i.machine
    WHERE i.library IS NULL AND NOT EXISTS (
        SELECT 1 FROM needs m JOIN offered x ON x.identity = m.name AND x.machine = i.machine
        WHERE m.file = i.file AND m.slice = i.slice AND m.name <> $library)
)
SELECT p.package, p.package_version, p.path, d.machine, string_agg(DISTINCT d.name, ' ' ORDER BY d.name) AS symbols,
       string_agg(DISTINCT d.version, ' ' ORDER BY d.version) AS versions, d.because
FROM direct d JOIN packages p USING (file)
GROUP BY p.package, p.package_version, p.path, d.machine, d.because ORDER BY ALL
