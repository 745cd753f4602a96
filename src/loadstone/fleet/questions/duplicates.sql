-- question: Which libraries exist as several files under one name, or as one file in several packages?
-- optional: name = %: only names like this
-- known: name = SELECT identity FROM files UNION ALL SELECT name FROM needs
SELECT f.identity, f.machine, count(DISTINCT f.file) AS files, count(DISTINCT f.build_id) AS build_ids,
       count(DISTINCT p.package) AS packages,
       string_agg(DISTINCT p.package || ' ' || p.package_version, ', ' ORDER BY p.package || ' ' || p.package_version) AS places
FROM files f JOIN packages p USING (file)
WHERE f.identity IS NOT NULL AND f.identity LIKE $name
GROUP BY f.identity, f.machine
HAVING count(DISTINCT f.file) > 1 OR count(DISTINCT (p.source, p.item)) > 1
ORDER BY files DESC, packages DESC, f.identity, f.machine
