-- question: How many files load a library in the end, directly or through others?
-- optional: library = %: its name, like this; without it the most loaded of all
-- optional: most = 50: how many libraries to list
-- known: library = SELECT identity FROM files UNION ALL SELECT name FROM needs
WITH RECURSIVE edges AS (
    SELECT DISTINCT requester_file AS user, chosen_file AS used FROM resolutions
    WHERE requester_file IS NOT NULL AND chosen_file IS NOT NULL AND requester_file <> chosen_file
),
reached AS (
    SELECT used AS library, user FROM edges WHERE used IN (SELECT file FROM files WHERE identity LIKE $library)
    UNION
    SELECT r.library, e.user FROM reached r JOIN edges e ON e.used = r.user
)
SELECT f.identity AS library, f.machine, count(DISTINCT r.user) AS loaded_by,
       count(DISTINCT e.user) AS needed_by
FROM reached r JOIN files f ON f.file = r.library LEFT JOIN edges e ON e.used = r.library AND e.user = r.user
WHERE f.identity IS NOT NULL
GROUP BY f.identity, f.machine ORDER BY loaded_by DESC, library, machine LIMIT CAST($most AS BIGINT)
