-- question: Which symbols does one graph define more than once, so that one definition wins over the other?
-- parameter: root = curl: the package or the path that is loaded, like this
-- known: root = SELECT package FROM packages UNION ALL SELECT path FROM packages
-- Global functions and data without a version, exported by two libraries of the graph, and imported by one of it.
WITH RECURSIVE roots AS (
    SELECT DISTINCT file FROM packages WHERE file IS NOT NULL AND (package LIKE $root OR path LIKE $root)
),
graph AS (
    SELECT file AS root, file FROM roots
    UNION
    SELECT g.root, r.chosen_file FROM graph g JOIN resolutions r ON r.requester_file = g.file WHERE r.chosen_file IS NOT NULL
),
held AS MATERIALIZED (  -- one pass over the symbols, of which a graph has few; a list says that, a recursion does not
    SELECT file, name, role FROM symbols SEMI JOIN (SELECT unnest(list(DISTINCT file)) AS file FROM graph) USING (file)
    WHERE role = 'import' OR role = 'export' AND binding = 'global' AND version IS NULL
),
several AS MATERIALIZED (
    SELECT name FROM held GROUP BY name
    HAVING count(DISTINCT file) FILTER (role = 'export') > 1 AND count(*) FILTER (role = 'import') > 0
),
told AS MATERIALIZED (SELECT DISTINCT g.root, h.name, h.file, h.role FROM held h SEMI JOIN several USING (name) JOIN graph g USING (file)),
wanted AS (SELECT DISTINCT root, name FROM told WHERE role = 'import'),
defined AS (SELECT root, name, file FROM told WHERE role = 'export')
SELECT (SELECT min(path) FROM packages p WHERE p.file = d.root) AS root, d.name AS symbol, count(DISTINCT d.file) AS definitions,
       string_agg(DISTINCT coalesce(f.identity, p.path), ', ' ORDER BY coalesce(f.identity, p.path)) AS libraries
FROM defined d SEMI JOIN wanted w ON w.root = d.root AND w.name = d.name
JOIN files f USING (file) JOIN packages p USING (file)
GROUP BY d.root, d.name HAVING count(DISTINCT d.file) > 1
ORDER BY ALL
