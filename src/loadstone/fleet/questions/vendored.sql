-- question: Which files are another package's library under another name, by what they export?
-- optional: likeness = 0.5: the least share of exported names in common, from 0 to 1, as the sketches estimate it
-- optional: name = %: only copies of libraries whose name is like this
-- known: name = SELECT identity FROM files UNION ALL SELECT name FROM needs
-- Two sketches of the 64 smallest hashes: of the 64 smallest of both together, the share that both have (KMV, Jaccard).
WITH sketched AS (SELECT file, slice, machine, identity, exports, sketch FROM files WHERE exports >= 8),
hashes AS (SELECT file, slice, machine, unnest(sketch) AS hash FROM sketched),
telling AS (SELECT hash, machine FROM hashes GROUP BY ALL HAVING count(*) BETWEEN 2 AND 20),
pairs AS (
    SELECT a.file AS copy, b.file AS original FROM hashes a JOIN telling USING (hash, machine)
    JOIN hashes b USING (hash, machine) WHERE a.file <> b.file
    GROUP BY ALL HAVING count(*) >= 4
),
alike AS (
    SELECT copy, original, machine, identity, called, least,
           len(list_filter(least, lambda x: list_contains(copied, x) AND list_contains(owned, x))) AS shared
    FROM (
        SELECT pairs.*, c.machine, o.identity, c.identity AS called, c.sketch AS copied, o.sketch AS owned,
               list_sort(list_distinct(list_concat(c.sketch, o.sketch)))[1:64] AS least
        FROM pairs JOIN sketched c ON c.file = copy JOIN sketched o ON o.file = original
    )
)
SELECT pc.package AS package, pc.package_version, pc.path, a.machine, a.called,
       po.package AS original_package, po.package_version AS original_version, a.identity AS original,
       round(a.shared / len(a.least), 2) AS likeness
FROM alike a JOIN packages pc ON pc.file = a.copy JOIN packages po ON po.file = a.original
WHERE a.shared / len(a.least) >= CAST($likeness AS DOUBLE) AND pc.package <> po.package
  AND coalesce(a.identity, '') LIKE $name AND a.identity IS NOT NULL
ORDER BY likeness DESC, pc.package, pc.path, original_package, original_version, original
