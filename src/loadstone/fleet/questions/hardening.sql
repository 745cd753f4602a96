-- question: Which packages lack which protections, worst first?
-- optional: package = %: only packages like this
-- known: package = SELECT package FROM packages
SELECT p.package, p.package_version, count(DISTINCT h.file) AS files,
       count(DISTINCT h.file) FILTER (h.name = 'relro' AND h.state <> 'present') AS no_full_relro,
       count(DISTINCT h.file) FILTER (h.name = 'bind-now' AND h.state = 'absent') AS lazy_binding,
       count(DISTINCT h.file) FILTER (h.name = 'stack-protector' AND h.state = 'absent') AS no_stack_protector,
       count(DISTINCT h.file) FILTER (h.name = 'fortify' AND h.state = 'absent') AS no_fortify,
       count(DISTINCT h.file) FILTER (h.name = 'executable-stack' AND h.state = 'absent') AS executable_stack,
       count(DISTINCT h.file) FILTER (h.name = 'rwx-segment' AND h.state = 'absent') AS writable_code,
       count(DISTINCT h.file) FILTER (h.name = 'text-relocations' AND h.state = 'absent') AS text_relocations
FROM hardening h JOIN packages p USING (file)
WHERE p.package LIKE $package
GROUP BY p.package, p.package_version
ORDER BY executable_stack + writable_code + text_relocations DESC, no_full_relro + no_stack_protector DESC,
         p.package, p.package_version
