-- question: How many files have each protection now, and how many had it in the snapshot before?
WITH now AS (SELECT name, machine, count(*) AS files, count(*) FILTER (state = 'present') AS protected FROM hardening GROUP BY ALL),
then_ AS (SELECT name, machine, count(*) AS files, count(*) FILTER (state = 'present') AS protected FROM before.hardening GROUP BY ALL)
SELECT name, machine, then_.files AS files_before, then_.protected AS protected_before, now.files, now.protected,
       round(100 * coalesce(now.protected / now.files, 0) - 100 * coalesce(then_.protected / then_.files, 0), 2) AS points
FROM now FULL JOIN then_ USING (name, machine) ORDER BY points, name, machine
