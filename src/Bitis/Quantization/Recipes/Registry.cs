using System.Collections.Immutable;

namespace Bitis.Quantization.Recipes;

/// <summary>What recipes can name: ours and what others register, in that order. Any thread may use it.</summary>
/// <param name="kind">What it holds: <c>method</c>.</param>
/// <param name="register">How others add to it, for messages.</param>
/// <param name="nameOf">The name of one.</param>
/// <param name="ours">What is there from the beginning.</param>
internal sealed class Registry<T>(string kind, string register, Func<T, string> nameOf, IEnumerable<T> ours)
    where T : class
{
    private readonly Lock _lock = new();
    private ImmutableArray<T> _all = [.. ours];

    /// <summary>All that are there now.</summary>
    public IReadOnlyList<T> All => _all;

    /// <summary>Their names.</summary>
    public IReadOnlyList<string> Names => [.. _all.Select(nameOf)];

    /// <summary>The one with a name.</summary>
    /// <exception cref="BitisException">There is none; the message lists the names.</exception>
    public T Find(string name) => _all.FirstOrDefault(item => nameOf(item) == name) ?? throw new BitisException(
        $"There is no {kind} '{name}'; the {kind}s are {string.Join(", ", Names)}. "
        + $"One from outside has to be registered first ({register}), before the file is opened.");

    /// <summary>Adds one.</summary>
    /// <exception cref="ArgumentException">There is one of that name.</exception>
    public void Register(T item)
    {
        ArgumentNullException.ThrowIfNull(item);
        string name = nameOf(item);
        lock (_lock)
        {
            if (_all.Any(other => nameOf(other) == name))
            {
                throw new ArgumentException(
                    $"There is a {kind} '{name}' already: names are registered once.", nameof(item));
            }
            _all = _all.Add(item);
        }
    }
}
