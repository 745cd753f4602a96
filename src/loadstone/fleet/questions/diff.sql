-- question: Which exported symbols are gone since the snapshot before, and who imports them?
-- optional: library = %: only libraries whose name is like this
-- known: library = SELECT identity FROM files UNION ALL SELECT identity FROM before.files
WITH old AS (
    SELECT DISTINCT f.identity, f.machine, s.name, s.version FROM before.files f JOIN before.symbols s USING (file, slice)
    WHERE s.role = 'export' AND f.identity LIKE $library AND f.file NOT IN (SELECT file FROM files)  -- what has changed
),
new AS (
    SELECT DISTINCT f.identity, f.machine, s.name, s.version FROM files f JOIN symbols s USING (file, slice)
    WHERE s.role = 'export' AND f.identity IN (SELECT identity FROM old)
),
gone AS (
    SELECT old.* FROM old SEMI JOIN (SELECT DISTINCT identity, machine FROM new) k ON k.identity = old.identity AND k.machine = old.machine
    ANTI JOIN new ON new.identity = old.identity AND new.machine = old.machine AND new.name = old.name
        AND new.version IS NOT DISTINCT FROM old.version
),
users AS (
    SELECT DISTINCT g.identity, g.machine, g.name, g.version, s.file FROM gone g
    JOIN symbols s ON s.name = g.name AND s.machine = g.machine AND s.role = 'import' AND s.version IS NOT DISTINCT FROM g.version
    JOIN needs n ON n.file = s.file AND n.slice = s.slice AND n.name = g.identity
)
SELECT g.identity AS library, g.machine, g.name AS symbol, g.version, count(DISTINCT u.file) AS users,
       string_agg(DISTINCT p.package || ':' || p.path, ', ' ORDER BY p.package || ':' || p.path) AS used_by
FROM gone g LEFT JOIN users u ON u.identity = g.identity AND u.machine = g.machine AND u.name = g.name
    AND u.version IS NOT DISTINCT FROM g.version
LEFT JOIN packages p ON p.file = u.file
GROUP BY g.identity, g.machine, g.name, g.version ORDER BY users DESC, library, g.machine, symbol, g.version
