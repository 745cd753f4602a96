-- question: Which files break if a library lacks a symbol or a version?
-- parameter: library = libz.so.1: the name its users ask for: SONAME, install name or DLL name
-- parameter: lacks = inflateReset2: the symbol or the version that would be gone
-- Who imports it from that library by version or by the format's own word; without either, who needs the library by
-- name and finds the symbol in no other library it needs. Weak imports are left out: the load goes on without them.
WITH imported AS (
    SELECT s.file, s.slice, s.machine, s.name, s.version, s.library FROM symbols s
    WHERE s.role = 'import' AND s.binding <> 'weak' AND (s.name = $lacks OR s.version = $lacks)
),
direct AS (
    SELECT i.*, 'says so' AS because FROM imported i WHERE i.library = $library
    UNION ALL
    SELECT i.*, 'needs it' FROM imported i
    SEMI JOIN (SELECT file, slice FROM needs WHERE name = $library) n ON n.file = i.file AND n.slice = i.slice
    WHERE i.library IS NULL AND i.name IN (
        SELECT s.name FROM symbols s JOIN files f USING (file, slice)
        WHERE s.role = 'export' AND s.name = $lacks AND f.identity = $library)
    AND NOT EXISTS (
        SELECT 1 FROM needs o JOIN files f ON f.identity = o.name AND f.machine = i.machine
        JOIN symbols s ON s.file = f.file AND s.slice = f.slice
        WHERE o.file = i.file AND o.slice = i.slice AND o.name <> $library AND s.role = 'export' AND s.name = $lacks)
)
SELECT p.package, p.package_version, p.path, d.machine, string_agg(DISTINCT d.name, ' ' ORDER BY d.name) AS symbols,
       string_agg(DISTINCT d.version, ' ' ORDER BY d.version) AS versions, d.because
FROM direct d JOIN packages p USING (file)
GROUP BY p.package, p.package_version, p.path, d.machine, d.because ORDER BY ALL
