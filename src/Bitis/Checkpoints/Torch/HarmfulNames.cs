using System.Collections.Frozen;

namespace Bitis.Checkpoints.Torch;

/// <summary>
/// Python names that can run commands or code, or reach files and networks. No weights need one, so a file that has
/// one is refused as a whole: whoever loads it elsewhere should know.
/// </summary>
internal static class HarmfulNames
{
    /// <summary>Modules of which nothing belongs into a checkpoint.</summary>
    private static readonly FrozenSet<string> Modules = new[]
    {
        "os", "posix", "nt", "subprocess", "sys", "shutil", "socket", "importlib", "imp", "runpy", "pty", "ctypes",
        "_ctypes", "codeop", "pdb", "bdb", "cProfile", "timeit", "webbrowser", "popen2", "asyncio", "marshal", "pickle",
        "_pickle", "cPickle", "pip", "ftplib", "smtplib", "telnetlib", "zipimport", "pkgutil", "doctest",
    }.ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Names of modules that also hold harmless ones.</summary>
    private static readonly FrozenSet<string> Names = new[]
    {
        "eval", "exec", "execfile", "compile", "open", "file", "__import__", "setattr", "delattr", "globals", "locals",
        "vars", "input", "raw_input", "breakpoint", "apply", "reload",
    }.SelectMany(name => (string[])[$"builtins.{name}", $"__builtin__.{name}"]).Concat(
    [
        "io.open", "io.FileIO", "_io.open", "_io.FileIO", "codecs.open", "types.FunctionType", "types.CodeType",
        "operator.methodcaller", "operator.attrgetter", "code.InteractiveInterpreter", "code.InteractiveConsole",
        "code.interact", "commands.getoutput", "commands.getstatusoutput", "profile.run", "trace.Trace",
        "torch.load", "torch.jit.load", "torch.hub.load",
        "torch.hub.load_state_dict_from_url", "torch.serialization.load", "torch.package.PackageImporter",
        "urllib.request.urlopen", "urllib.request.urlretrieve", "urllib.urlopen", "urllib2.urlopen", "requests.get",
        "requests.post", "requests.request", "requests.api.get", "requests.api.post", "numpy.load", "numpy.fromfile",
        "pandas.eval", "pandas.read_pickle", "joblib.load",
    ]).ToFrozenSet(StringComparer.Ordinal);

    private static readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> ModuleParts =
        Modules.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>What leads from a harmless name to a harmful one, as in <c>torch.serialization.os.system</c>.</summary>
    private static readonly FrozenSet<string> Ways = new[]
    {
        "os", "posix", "nt", "subprocess", "sys", "__import__", "__globals__", "__builtins__", "__subclasses__",
        "__code__", "cpp_extension",
    }.ToFrozenSet(StringComparer.Ordinal);

    private static readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> WayParts =
        Ways.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>Whether a name can do harm where code is run.</summary>
    /// <param name="name">Module and name.</param>
    public static bool Contains(string name)
    {
        if (Names.Contains(name))
            return true;
        ReadOnlySpan<char> rest = name;
        for (int count = 0; !rest.IsEmpty; count++)
        {
            int dot = rest.IndexOf('.');
            ReadOnlySpan<char> part = dot < 0 ? rest : rest[..dot];
            if ((count == 0 && ModuleParts.Contains(part)) || WayParts.Contains(part))
                return true;
            rest = dot < 0 ? [] : rest[(dot + 1)..];
        }
        return false;
    }
}
