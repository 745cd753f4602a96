-- Who resolves what among the packages of one source, as if all were installed: a library's own RPATH or RUNPATH first,
-- then the directories that loaders search by default. Sources: ld.so(8); Debian policy 8.
WITH placed AS (
    SELECT p.source, p.item, p.file, '/' || regexp_replace(p.path, '^(usr/)?', '') AS path, p.link
    FROM packages p WHERE p.kind IN ('Debian package', 'RPM package', 'Alpine package')
),
located AS (
    SELECT *, regexp_replace(path, '/[^/]*$', '') AS folder, regexp_extract(path, '[^/]*$') AS leaf FROM placed
),
links AS (
    SELECT source, item, path, folder, leaf,
           CASE WHEN starts_with(link, '/') THEN regexp_replace(link, '^/(usr/)?', '/') ELSE folder || '/' || link END AS target
    FROM located WHERE link IS NOT NULL
),
offered AS (
    SELECT source, path, folder, leaf, file FROM located WHERE file IS NOT NULL
    UNION ALL
    SELECT l.source, l.path, l.folder, l.leaf, t.file FROM links l JOIN located t ON t.source = l.source AND t.path = l.target
    WHERE t.file IS NOT NULL
    UNION ALL
    SELECT l.source, l.path, l.folder, l.leaf, t.file FROM links l
    JOIN links m ON m.source = l.source AND m.path = l.target
    JOIN located t ON t.source = m.source AND t.path = m.target
    WHERE t.file IS NOT NULL
),
candidates AS (
    SELECT o.*, f.machine, f.bits,
           regexp_matches(o.folder, '^/(local/)?lib(32|64|x32)?(/[^/]*-linux-[^/]*)?$') AS is_default
    FROM offered o JOIN files f USING (file)
),
asked AS (
    SELECT l.source, l.item, l.path, l.folder, l.file, f.machine, f.bits, n.name, n.kind, n.required, n.position,
           [regexp_replace(regexp_replace(regexp_replace(regexp_replace(
               replace(replace(d, '${ORIGIN}', '$ORIGIN'), '$ORIGIN', l.folder),
               '/\.?/', '/'), '/[^/.][^/]*/\.\.', ''), '/[^/.][^/]*/\.\.', ''), '^/usr/|/$', '')
            FOR d IN list_concat(f.rpath, f.runpath)] AS own
    FROM located l JOIN files f USING (file) JOIN needs n USING (file, slice)
    WHERE f.format = 'elf' AND n.kind IN ('needed', 'dlopen') AND l.file IS NOT NULL
),
ranked AS (
    SELECT a.*, c.path AS chosen, c.file AS chosen_file,
           CASE WHEN list_contains(a.own, c.folder) THEN 'runpath' ELSE 'default' END AS how,
           row_number() OVER (PARTITION BY a.source, a.item, a.path, a.position
               ORDER BY list_position(a.own, c.folder) NULLS LAST, c.path, c.file) AS place
    FROM asked a LEFT JOIN candidates c
      ON c.source = a.source AND c.leaf = a.name AND c.machine = a.machine AND c.bits = a.bits
     AND (list_contains(a.own, c.folder) OR c.is_default)
)
SELECT source, item, path AS root, path AS requester, file AS requester_file, name, kind,
       chosen, chosen_file, CASE WHEN chosen IS NULL THEN '' ELSE how END AS how
FROM ranked WHERE place = 1
