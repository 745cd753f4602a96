-- question: Which libraries need themselves in the end?
WITH RECURSIVE edges AS (
    SELECT DISTINCT requester_file AS a, chosen_file AS b FROM resolutions
    WHERE requester_file IS NOT NULL AND chosen_file IS NOT NULL AND requester_file <> chosen_file
),
-- what has no way out, or none in, is in no circle: taking those away first leaves little to walk
core AS (
    SELECT a, b FROM edges WHERE b IN (SELECT a FROM edges) AND a IN (SELECT b FROM edges)
),
reached AS (
    SELECT a, b FROM core UNION SELECT r.a, c.b FROM reached r JOIN core c ON c.a = r.b
),
mutual AS (SELECT x.a, x.b FROM reached x JOIN reached y ON y.a = x.b AND y.b = x.a)
SELECT members, count(*) AS size FROM (
    SELECT m.a, string_agg(DISTINCT coalesce(f.identity, p.path), ', ' ORDER BY coalesce(f.identity, p.path)) AS members
    FROM mutual m JOIN files f ON f.file = m.b JOIN packages p ON p.file = m.b GROUP BY m.a
) GROUP BY members ORDER BY size DESC, members
