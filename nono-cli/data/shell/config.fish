# Read by fish in `nono shell` in place of the user's files, which are read first where the sandbox lets them be.
# XDG_CONFIG_HOME and XDG_DATA_HOME are here until now, so that the history and what else fish keeps is here too.
for name in XDG_CONFIG_HOME XDG_DATA_HOME
    set -e $name
    if set -q NONO_$name
        set -l kept NONO_$name
        set -gx $name $$kept
        set -e $kept
    end
end
set -l own $HOME/.config/fish
if set -q XDG_CONFIG_HOME
    set own $XDG_CONFIG_HOME/fish
end
set -p fish_function_path $own/functions
set -p fish_complete_path $own/completions
for file in $own/conf.d/*.fish $own/config.fish
    # Not by a redirection of fish's own, which warns.
    if command cat $file >/dev/null 2>&1
        source $file
    end
end
if status is-interactive
    functions --copy fish_prompt nono_wrapped_prompt
    function fish_prompt
        echo -n '(nono) '
        nono_wrapped_prompt
    end
end
