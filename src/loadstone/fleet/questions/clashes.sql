-- question: Which symbols does one graph define more than once, so that one definition wins over the other?
-- parameter: root = curl: the package or the path that is loaded, like this
-- Global functions and data without a version, exported by two libraries of the graph, and imported by one of it.
WITH RECURSIVE roots AS (
    SELECT DISTINCT file FROM packages WHERE file IS NOT NULL AND (package LIKE $root OR path LIKE $root)
),
graph AS (
    SELECT file AS root, file FROM roots
    UNION
    SELECT g.root, r.chosen_file FROM graph g JOIN resolutions r ON r.requester_file = g.file WHERE r.chosen_file IS NOT NULL
),
wanted AS (SELECT DISTINCT g.root, s.name FROM graph g JOIN symbols s USING (file) WHERE s.role = 'import'),
defined AS (
    SELECT g.root, s.name, g.file FROM graph g JOIN symbols s USING (file)
    WHERE s.role = 'export' AND s.binding = 'global' AND s.version IS NULL
)
SELECT (SELECT min(path) FROM packages p WHERE p.file = d.root) AS root, d.name AS symbol, count(DISTINCT d.file) AS definitions,
       string_agg(DISTINCT coalesce(f.identity, p.path), ', ' ORDER BY coalesce(f.identity, p.path)) AS libraries
FROM defined d SEMI JOIN wanted w ON w.root = d.root AND w.name = d.name
JOIN files f USING (file) JOIN packages p USING (file)
GROUP BY d.root, d.name HAVING count(DISTINCT d.file) > 1
ORDER BY ALL
