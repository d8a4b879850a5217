# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_nono_global_optspecs
    string join \n h/help V/version
end

function __fish_nono_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_nono_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_nono_using_subcommand
    set -l cmd (__fish_nono_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c nono -n "__fish_nono_needs_command" -s h -l help -d 'Print help'
complete -c nono -n "__fish_nono_needs_command" -s V -l version -d 'Print version'
complete -c nono -n "__fish_nono_needs_command" -f -a "run" -d 'Run a command with nothing but what is granted'
complete -c nono -n "__fish_nono_needs_command" -f -a "learn" -d 'Run a command unrestricted, and write a profile of what it used'
complete -c nono -n "__fish_nono_needs_command" -f -a "shell" -d 'Run your shell with nothing but what is granted'
complete -c nono -n "__fish_nono_needs_command" -f -a "why" -d 'Tell whether something would be allowed, by what, and what would allow it'
complete -c nono -n "__fish_nono_needs_command" -f -a "doctor" -d 'Tell what this machine can enforce, each guarantee tried for real'
complete -c nono -n "__fish_nono_needs_command" -f -a "profile" -d 'List, show, check and write profiles'
complete -c nono -n "__fish_nono_needs_command" -f -a "completions" -d 'Print what a shell completes nono\'s arguments by'
complete -c nono -n "__fish_nono_needs_command" -f -a "man" -d 'Print a manual page, for `man -l -`'
complete -c nono -n "__fish_nono_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c nono -n "__fish_nono_using_subcommand run" -s a -l allow -d 'Read and write PATH: a directory with all below it, or a file' -r -F
complete -c nono -n "__fish_nono_using_subcommand run" -s r -l read -d 'Read and execute PATH' -r -F
complete -c nono -n "__fish_nono_using_subcommand run" -s w -l write -d 'Write PATH: change, create, rename and remove' -r -F
complete -c nono -n "__fish_nono_using_subcommand run" -l allow-file -d 'As --allow, and an error if it is a directory' -r -F
complete -c nono -n "__fish_nono_using_subcommand run" -l read-file -d 'As --read, and an error if it is a directory' -r -F
complete -c nono -n "__fish_nono_using_subcommand run" -l write-file -d 'As --write, and an error if it is a directory' -r -F
complete -c nono -n "__fish_nono_using_subcommand run" -l deny -d 'Nothing at PATH or below it, although a grant above covers it' -r -F
complete -c nono -n "__fish_nono_using_subcommand run" -s p -l profile -d 'Add the grants of a profile: a name, or a file (with a "/", or ending in .toml or .json)' -r
complete -c nono -n "__fish_nono_using_subcommand run" -l env -d 'Set a variable, or pass it on: one that holds a credential, or any where --env-clear removed it' -r
complete -c nono -n "__fish_nono_using_subcommand run" -l pass-fd -d 'Let the command inherit the open descriptor N' -r
complete -c nono -n "__fish_nono_using_subcommand run" -l keep-cap -d 'As root: keep these capabilities, such as CHOWN,FOWNER' -r
complete -c nono -n "__fish_nono_using_subcommand run" -l allow-connect -d 'TCP to PORT of any host' -r
complete -c nono -n "__fish_nono_using_subcommand run" -l allow-bind -d 'TCP listening on PORT' -r
complete -c nono -n "__fish_nono_using_subcommand run" -l allow-port -d 'Listening on TCP PORT, and connecting to it on this machine' -r
complete -c nono -n "__fish_nono_using_subcommand run" -l proxy-port -d 'TCP only to PORT on this machine: everything must go through a proxy there' -r
complete -c nono -n "__fish_nono_using_subcommand run" -l allow-unix -d 'Connect to the unix socket PATH, or to those below the directory PATH (Linux 7.1)' -r -F
complete -c nono -n "__fish_nono_using_subcommand run" -l accept-gap -d 'Go on without this guarantee, and leave off what would keep it; `nono doctor` prints the names' -r
complete -c nono -n "__fish_nono_using_subcommand run" -l workdir -d 'Start the command in DIR' -r -F
complete -c nono -n "__fish_nono_using_subcommand run" -l report -d 'Write what is enforced, and what --explain found, as JSON to FILE' -r -F
complete -c nono -n "__fish_nono_using_subcommand run" -l approve -d 'Ask CMD (for sh): a JSON question a line on its standard input, a JSON answer a line on its output; or a server on the unix socket PATH' -r
complete -c nono -n "__fish_nono_using_subcommand run" -l approve-rules -d 'Answer by the table `approve` of FILE (TOML: read, write, allow, deny)' -r -F
complete -c nono -n "__fish_nono_using_subcommand run" -l approve-timeout -d 'Take a question that is left alone so long for answered by no [default: 60]' -r
complete -c nono -n "__fish_nono_using_subcommand run" -l audit -d 'Append each answer to FILE as a line of JSON, before it is given' -r -F
complete -c nono -n "__fish_nono_using_subcommand run" -l broker-threads -d 'Serve by so many threads, to measure what they are good for' -r
complete -c nono -n "__fish_nono_using_subcommand run" -l allow-cwd -d 'Read and write the directory the command starts in'
complete -c nono -n "__fish_nono_using_subcommand run" -l allow-missing -d 'A granted path that does not exist is a note, not an error'
complete -c nono -n "__fish_nono_using_subcommand run" -l no-system -d 'Leave out what ordinary programs need to start (/usr, /etc/passwd, /dev/null, ...)'
complete -c nono -n "__fish_nono_using_subcommand run" -l env-clear -d 'Start from an empty environment'
complete -c nono -n "__fish_nono_using_subcommand run" -l net -d 'The network, all of it'
complete -c nono -n "__fish_nono_using_subcommand run" -l net-block -d 'No network of any kind: the default. Said aloud, it is an error where it cannot be kept'
complete -c nono -n "__fish_nono_using_subcommand run" -l allow-dns -d 'Name lookups: DNS by UDP from Linux 7.2 on, below by TCP. Without it lookups fail at once'
complete -c nono -n "__fish_nono_using_subcommand run" -l strict -d 'Make every gap an error, also those that nobody asked about'
complete -c nono -n "__fish_nono_using_subcommand run" -l dry-run -d 'Print what would be enforced, and how; start nothing'
complete -c nono -n "__fish_nono_using_subcommand run" -l explain -d 'Permission denied? Run as granted, and list at the end what was refused, each with the flag that grants it'
complete -c nono -n "__fish_nono_using_subcommand run" -l json -d 'Print JSON; needs --dry-run or --explain'
complete -c nono -n "__fish_nono_using_subcommand run" -s v -l verbose -d 'Say more'
complete -c nono -n "__fish_nono_using_subcommand run" -s q -l quiet -d 'Say nothing but errors'
complete -c nono -n "__fish_nono_using_subcommand run" -l supervised -d 'Ask on the terminal about files outside the grants; the command gets a terminal of its own'
complete -c nono -n "__fish_nono_using_subcommand run" -l kill-orphans -d 'End what the command leaves running, instead of waiting for it'
complete -c nono -n "__fish_nono_using_subcommand run" -s h -l help -d 'Print help'
complete -c nono -n "__fish_nono_using_subcommand learn" -s o -l output -d 'Write the profile to FILE [default: the command\'s name with .toml, here]' -r -F
complete -c nono -n "__fish_nono_using_subcommand learn" -l name -d 'Call it NAME; without --output it becomes one of yours, for `nono run -p NAME`' -r
complete -c nono -n "__fish_nono_using_subcommand learn" -l diff -d 'Write nothing: tell what the command needs beyond PROFILE, and what that grants and it does not use' -r
complete -c nono -n "__fish_nono_using_subcommand learn" -l merge -d 'Add to a profile that was learnt before'
complete -c nono -n "__fish_nono_using_subcommand learn" -l json -d 'Print what was learnt as JSON'
complete -c nono -n "__fish_nono_using_subcommand learn" -s h -l help -d 'Print help'
complete -c nono -n "__fish_nono_using_subcommand shell" -s a -l allow -d 'Read and write PATH: a directory with all below it, or a file' -r -F
complete -c nono -n "__fish_nono_using_subcommand shell" -s r -l read -d 'Read and execute PATH' -r -F
complete -c nono -n "__fish_nono_using_subcommand shell" -s w -l write -d 'Write PATH: change, create, rename and remove' -r -F
complete -c nono -n "__fish_nono_using_subcommand shell" -l allow-file -d 'As --allow, and an error if it is a directory' -r -F
complete -c nono -n "__fish_nono_using_subcommand shell" -l read-file -d 'As --read, and an error if it is a directory' -r -F
complete -c nono -n "__fish_nono_using_subcommand shell" -l write-file -d 'As --write, and an error if it is a directory' -r -F
complete -c nono -n "__fish_nono_using_subcommand shell" -l deny -d 'Nothing at PATH or below it, although a grant above covers it' -r -F
complete -c nono -n "__fish_nono_using_subcommand shell" -s p -l profile -d 'Add the grants of a profile: a name, or a file (with a "/", or ending in .toml or .json)' -r
complete -c nono -n "__fish_nono_using_subcommand shell" -l env -d 'Set a variable, or pass it on: one that holds a credential, or any where --env-clear removed it' -r
complete -c nono -n "__fish_nono_using_subcommand shell" -l pass-fd -d 'Let the command inherit the open descriptor N' -r
complete -c nono -n "__fish_nono_using_subcommand shell" -l keep-cap -d 'As root: keep these capabilities, such as CHOWN,FOWNER' -r
complete -c nono -n "__fish_nono_using_subcommand shell" -l allow-connect -d 'TCP to PORT of any host' -r
complete -c nono -n "__fish_nono_using_subcommand shell" -l allow-bind -d 'TCP listening on PORT' -r
complete -c nono -n "__fish_nono_using_subcommand shell" -l allow-port -d 'Listening on TCP PORT, and connecting to it on this machine' -r
complete -c nono -n "__fish_nono_using_subcommand shell" -l proxy-port -d 'TCP only to PORT on this machine: everything must go through a proxy there' -r
complete -c nono -n "__fish_nono_using_subcommand shell" -l allow-unix -d 'Connect to the unix socket PATH, or to those below the directory PATH (Linux 7.1)' -r -F
complete -c nono -n "__fish_nono_using_subcommand shell" -l accept-gap -d 'Go on without this guarantee, and leave off what would keep it; `nono doctor` prints the names' -r
complete -c nono -n "__fish_nono_using_subcommand shell" -l workdir -d 'Start the command in DIR' -r -F
complete -c nono -n "__fish_nono_using_subcommand shell" -l report -d 'Write what is enforced, and what --explain found, as JSON to FILE' -r -F
complete -c nono -n "__fish_nono_using_subcommand shell" -l approve -d 'Ask CMD (for sh): a JSON question a line on its standard input, a JSON answer a line on its output; or a server on the unix socket PATH' -r
complete -c nono -n "__fish_nono_using_subcommand shell" -l approve-rules -d 'Answer by the table `approve` of FILE (TOML: read, write, allow, deny)' -r -F
complete -c nono -n "__fish_nono_using_subcommand shell" -l approve-timeout -d 'Take a question that is left alone so long for answered by no [default: 60]' -r
complete -c nono -n "__fish_nono_using_subcommand shell" -l audit -d 'Append each answer to FILE as a line of JSON, before it is given' -r -F
complete -c nono -n "__fish_nono_using_subcommand shell" -l broker-threads -d 'Serve by so many threads, to measure what they are good for' -r
complete -c nono -n "__fish_nono_using_subcommand shell" -l allow-cwd -d 'Read and write the directory the command starts in'
complete -c nono -n "__fish_nono_using_subcommand shell" -l allow-missing -d 'A granted path that does not exist is a note, not an error'
complete -c nono -n "__fish_nono_using_subcommand shell" -l no-system -d 'Leave out what ordinary programs need to start (/usr, /etc/passwd, /dev/null, ...)'
complete -c nono -n "__fish_nono_using_subcommand shell" -l env-clear -d 'Start from an empty environment'
complete -c nono -n "__fish_nono_using_subcommand shell" -l net -d 'The network, all of it'
complete -c nono -n "__fish_nono_using_subcommand shell" -l net-block -d 'No network of any kind: the default. Said aloud, it is an error where it cannot be kept'
complete -c nono -n "__fish_nono_using_subcommand shell" -l allow-dns -d 'Name lookups: DNS by UDP from Linux 7.2 on, below by TCP. Without it lookups fail at once'
complete -c nono -n "__fish_nono_using_subcommand shell" -l strict -d 'Make every gap an error, also those that nobody asked about'
complete -c nono -n "__fish_nono_using_subcommand shell" -l dry-run -d 'Print what would be enforced, and how; start nothing'
complete -c nono -n "__fish_nono_using_subcommand shell" -l explain -d 'Permission denied? Run as granted, and list at the end what was refused, each with the flag that grants it'
complete -c nono -n "__fish_nono_using_subcommand shell" -l json -d 'Print JSON; needs --dry-run or --explain'
complete -c nono -n "__fish_nono_using_subcommand shell" -s v -l verbose -d 'Say more'
complete -c nono -n "__fish_nono_using_subcommand shell" -s q -l quiet -d 'Say nothing but errors'
complete -c nono -n "__fish_nono_using_subcommand shell" -l supervised -d 'Ask on the terminal about files outside the grants; the command gets a terminal of its own'
complete -c nono -n "__fish_nono_using_subcommand shell" -l kill-orphans -d 'End what the command leaves running, instead of waiting for it'
complete -c nono -n "__fish_nono_using_subcommand shell" -s h -l help -d 'Print help'
complete -c nono -n "__fish_nono_using_subcommand why" -l path -d 'Would it be allowed to do OP with PATH?' -r -F
complete -c nono -n "__fish_nono_using_subcommand why" -l op -d 'What is done with PATH' -r -f -a "read\t'Open a file to read it'
write\t'Open a file to change it'
exec\t'Execute a file'
create\t'Make a file that is not there'
delete\t'Remove a file or an empty directory'
list\t'List a directory'"
complete -c nono -n "__fish_nono_using_subcommand why" -l rename -d 'Would it be allowed to move FROM to TO?' -r -F
complete -c nono -n "__fish_nono_using_subcommand why" -l connect -d 'Would it be allowed to connect to TCP PORT?' -r
complete -c nono -n "__fish_nono_using_subcommand why" -l bind -d 'Would it be allowed to listen on TCP PORT?' -r
complete -c nono -n "__fish_nono_using_subcommand why" -l unix -d 'Would it be allowed to connect to the unix socket PATH (@NAME: an abstract one)?' -r -F
complete -c nono -n "__fish_nono_using_subcommand why" -s a -l allow -d 'Read and write PATH: a directory with all below it, or a file' -r -F
complete -c nono -n "__fish_nono_using_subcommand why" -s r -l read -d 'Read and execute PATH' -r -F
complete -c nono -n "__fish_nono_using_subcommand why" -s w -l write -d 'Write PATH: change, create, rename and remove' -r -F
complete -c nono -n "__fish_nono_using_subcommand why" -l allow-file -d 'As --allow, and an error if it is a directory' -r -F
complete -c nono -n "__fish_nono_using_subcommand why" -l read-file -d 'As --read, and an error if it is a directory' -r -F
complete -c nono -n "__fish_nono_using_subcommand why" -l write-file -d 'As --write, and an error if it is a directory' -r -F
complete -c nono -n "__fish_nono_using_subcommand why" -l deny -d 'Nothing at PATH or below it, although a grant above covers it' -r -F
complete -c nono -n "__fish_nono_using_subcommand why" -s p -l profile -d 'Add the grants of a profile: a name, or a file (with a "/", or ending in .toml or .json)' -r
complete -c nono -n "__fish_nono_using_subcommand why" -l env -d 'Set a variable, or pass it on: one that holds a credential, or any where --env-clear removed it' -r
complete -c nono -n "__fish_nono_using_subcommand why" -l pass-fd -d 'Let the command inherit the open descriptor N' -r
complete -c nono -n "__fish_nono_using_subcommand why" -l keep-cap -d 'As root: keep these capabilities, such as CHOWN,FOWNER' -r
complete -c nono -n "__fish_nono_using_subcommand why" -l allow-connect -d 'TCP to PORT of any host' -r
complete -c nono -n "__fish_nono_using_subcommand why" -l allow-bind -d 'TCP listening on PORT' -r
complete -c nono -n "__fish_nono_using_subcommand why" -l allow-port -d 'Listening on TCP PORT, and connecting to it on this machine' -r
complete -c nono -n "__fish_nono_using_subcommand why" -l proxy-port -d 'TCP only to PORT on this machine: everything must go through a proxy there' -r
complete -c nono -n "__fish_nono_using_subcommand why" -l allow-unix -d 'Connect to the unix socket PATH, or to those below the directory PATH (Linux 7.1)' -r -F
complete -c nono -n "__fish_nono_using_subcommand why" -l accept-gap -d 'As with run' -r
complete -c nono -n "__fish_nono_using_subcommand why" -l workdir -d 'Ask for a command that starts in DIR' -r -F
complete -c nono -n "__fish_nono_using_subcommand why" -l allow-cwd -d 'Read and write the directory the command starts in'
complete -c nono -n "__fish_nono_using_subcommand why" -l allow-missing -d 'A granted path that does not exist is a note, not an error'
complete -c nono -n "__fish_nono_using_subcommand why" -l no-system -d 'Leave out what ordinary programs need to start (/usr, /etc/passwd, /dev/null, ...)'
complete -c nono -n "__fish_nono_using_subcommand why" -l env-clear -d 'Start from an empty environment'
complete -c nono -n "__fish_nono_using_subcommand why" -l net -d 'The network, all of it'
complete -c nono -n "__fish_nono_using_subcommand why" -l net-block -d 'No network of any kind: the default. Said aloud, it is an error where it cannot be kept'
complete -c nono -n "__fish_nono_using_subcommand why" -l allow-dns -d 'Name lookups: DNS by UDP from Linux 7.2 on, below by TCP. Without it lookups fail at once'
complete -c nono -n "__fish_nono_using_subcommand why" -l self -d 'Ask about the sandbox this is run in, by trying'
complete -c nono -n "__fish_nono_using_subcommand why" -l json -d 'Print JSON'
complete -c nono -n "__fish_nono_using_subcommand why" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c nono -n "__fish_nono_using_subcommand doctor" -l json -d 'Print JSON'
complete -c nono -n "__fish_nono_using_subcommand doctor" -s h -l help -d 'Print help'
complete -c nono -n "__fish_nono_using_subcommand profile; and not __fish_seen_subcommand_from list show check new schema help" -s h -l help -d 'Print help'
complete -c nono -n "__fish_nono_using_subcommand profile; and not __fish_seen_subcommand_from list show check new schema help" -f -a "list" -d 'List the profiles there are: yours and built-in ones'
complete -c nono -n "__fish_nono_using_subcommand profile; and not __fish_seen_subcommand_from list show check new schema help" -f -a "show" -d 'Show what a profile says, with what it extends, each grant with its line'
complete -c nono -n "__fish_nono_using_subcommand profile; and not __fish_seen_subcommand_from list show check new schema help" -f -a "check" -d 'Check a profile: what it grants here, and what is wrong, dangerous or useless about it'
complete -c nono -n "__fish_nono_using_subcommand profile; and not __fish_seen_subcommand_from list show check new schema help" -f -a "new" -d 'Write a new profile with a comment for each thing it could say'
complete -c nono -n "__fish_nono_using_subcommand profile; and not __fish_seen_subcommand_from list show check new schema help" -f -a "schema" -d 'Print a JSON Schema: of profiles, or of what nono prints with --json'
complete -c nono -n "__fish_nono_using_subcommand profile; and not __fish_seen_subcommand_from list show check new schema help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c nono -n "__fish_nono_using_subcommand profile; and __fish_seen_subcommand_from list" -l json -d 'Print JSON'
complete -c nono -n "__fish_nono_using_subcommand profile; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c nono -n "__fish_nono_using_subcommand profile; and __fish_seen_subcommand_from show" -l json -d 'Print JSON'
complete -c nono -n "__fish_nono_using_subcommand profile; and __fish_seen_subcommand_from show" -l raw -d 'Print the file as it is, to start one of your own from it'
complete -c nono -n "__fish_nono_using_subcommand profile; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c nono -n "__fish_nono_using_subcommand profile; and __fish_seen_subcommand_from check" -l json -d 'Print JSON'
complete -c nono -n "__fish_nono_using_subcommand profile; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c nono -n "__fish_nono_using_subcommand profile; and __fish_seen_subcommand_from new" -s o -l output -d 'Write it to FILE instead of your configuration directory' -r -F
complete -c nono -n "__fish_nono_using_subcommand profile; and __fish_seen_subcommand_from new" -s h -l help -d 'Print help'
complete -c nono -n "__fish_nono_using_subcommand profile; and __fish_seen_subcommand_from schema" -s h -l help -d 'Print help'
complete -c nono -n "__fish_nono_using_subcommand profile; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the profiles there are: yours and built-in ones'
complete -c nono -n "__fish_nono_using_subcommand profile; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show what a profile says, with what it extends, each grant with its line'
complete -c nono -n "__fish_nono_using_subcommand profile; and __fish_seen_subcommand_from help" -f -a "check" -d 'Check a profile: what it grants here, and what is wrong, dangerous or useless about it'
complete -c nono -n "__fish_nono_using_subcommand profile; and __fish_seen_subcommand_from help" -f -a "new" -d 'Write a new profile with a comment for each thing it could say'
complete -c nono -n "__fish_nono_using_subcommand profile; and __fish_seen_subcommand_from help" -f -a "schema" -d 'Print a JSON Schema: of profiles, or of what nono prints with --json'
complete -c nono -n "__fish_nono_using_subcommand profile; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c nono -n "__fish_nono_using_subcommand completions" -s h -l help -d 'Print help'
complete -c nono -n "__fish_nono_using_subcommand man" -s h -l help -d 'Print help'
complete -c nono -n "__fish_nono_using_subcommand help; and not __fish_seen_subcommand_from run learn shell why doctor profile completions man help" -f -a "run" -d 'Run a command with nothing but what is granted'
complete -c nono -n "__fish_nono_using_subcommand help; and not __fish_seen_subcommand_from run learn shell why doctor profile completions man help" -f -a "learn" -d 'Run a command unrestricted, and write a profile of what it used'
complete -c nono -n "__fish_nono_using_subcommand help; and not __fish_seen_subcommand_from run learn shell why doctor profile completions man help" -f -a "shell" -d 'Run your shell with nothing but what is granted'
complete -c nono -n "__fish_nono_using_subcommand help; and not __fish_seen_subcommand_from run learn shell why doctor profile completions man help" -f -a "why" -d 'Tell whether something would be allowed, by what, and what would allow it'
complete -c nono -n "__fish_nono_using_subcommand help; and not __fish_seen_subcommand_from run learn shell why doctor profile completions man help" -f -a "doctor" -d 'Tell what this machine can enforce, each guarantee tried for real'
complete -c nono -n "__fish_nono_using_subcommand help; and not __fish_seen_subcommand_from run learn shell why doctor profile completions man help" -f -a "profile" -d 'List, show, check and write profiles'
complete -c nono -n "__fish_nono_using_subcommand help; and not __fish_seen_subcommand_from run learn shell why doctor profile completions man help" -f -a "completions" -d 'Print what a shell completes nono\'s arguments by'
complete -c nono -n "__fish_nono_using_subcommand help; and not __fish_seen_subcommand_from run learn shell why doctor profile completions man help" -f -a "man" -d 'Print a manual page, for `man -l -`'
complete -c nono -n "__fish_nono_using_subcommand help; and not __fish_seen_subcommand_from run learn shell why doctor profile completions man help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
