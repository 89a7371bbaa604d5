namespace Bitis.Kernels.Dispatch;

/// <summary>
/// Every kernel of the runtime, and the environment variable <c>BITIS_KERNEL</c> that forces some of them.
/// </summary>
internal static class KernelTables
{
    /// <summary>
    /// The environment variable: names of kernels, separated by commas, each forced for its operation.
    /// </summary>
    public const string Variable = "BITIS_KERNEL";

    private static readonly Lazy<IReadOnlyCollection<string>> LazyForced =
        new(() => ParseForced(Environment.GetEnvironmentVariable(Variable)), LazyThreadSafetyMode.PublicationOnly);

    private static readonly List<Func<IEnumerable<Kernel>>> Tables = [];

    /// <summary>All rows of all tables.</summary>
    public static IEnumerable<Kernel> All => Tables.SelectMany(rows => rows());

    /// <summary>The names that <c>BITIS_KERNEL</c> holds.</summary>
    /// <exception cref="BitisException">A name is unknown, or this machine cannot run the kernel.</exception>
    public static IReadOnlyCollection<string> Forced => LazyForced.Value;

    /// <summary>Registers the rows of a table.</summary>
    /// <remarks>
    /// Each operation calls it from a module initializer, before anything else runs, so that no list names them all.
    /// </remarks>
    /// <param name="rows">Returns the rows; called only when all kernels are listed.</param>
    internal static void Add(Func<IEnumerable<Kernel>> rows) => Tables.Add(rows);

    /// <summary>Splits and checks a value of <c>BITIS_KERNEL</c>.</summary>
    internal static IReadOnlyCollection<string> ParseForced(string? value)
    {
        const StringSplitOptions options = StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries;
        string[] names = (value ?? "").Split(',', options);
        foreach (ref string name in names.AsSpan())
        {
            string given = name;
            Kernel? kernel = All.FirstOrDefault(row => row.Name.Equals(given, StringComparison.OrdinalIgnoreCase));
            if (kernel is { IsSupported: true })
            {
                name = kernel.Name;
                continue;
            }
            string problem = kernel is null ? "is not the name of a kernel" : "cannot run on this machine";
            throw new BitisException($"{Variable}={value}: '{name}' {problem}. {Suggestions(name)}");
        }
        return names;
    }

    /// <summary>
    /// The runnable kernels of the operation that a name starts with; all operations if there is none.
    /// </summary>
    private static string Suggestions(string name)
    {
        string[] known = [.. All.Where(kernel => kernel.IsSupported).Select(kernel => kernel.Name)];
        string[] same = [.. known.Where(other => OperationOf(other) == OperationOf(name))];
        return same.Length > 0
            ? $"Kernels of this operation that can run here: {string.Join(", ", same)}."
            : $"Names begin with {string.Join(
                ", ", known.Select(OperationOf).Distinct().Select(operation => $"'{operation}-'"))}.";

        static string OperationOf(string kernel) => string.Join('-', kernel.Split('-').Take(2)); // f32-gemm-6x16-avx2
    }
}
