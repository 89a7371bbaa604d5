using System.Collections.Immutable;

namespace Bitis.Quantization.Recipes;

/// <summary>Items that recipes can name: those of Bitis, then registered ones. It is thread-safe.</summary>
/// <param name="kind">What an item is called: <c>method</c>.</param>
/// <param name="register">How to register an item, for messages.</param>
/// <param name="nameOf">Gives an item's name.</param>
/// <param name="ours">The items of Bitis.</param>
internal sealed class Registry<T>(string kind, string register, Func<T, string> nameOf, IEnumerable<T> ours)
    where T : class
{
    private readonly Lock _lock = new();
    private ImmutableArray<T> _all = [.. ours];

    /// <summary>All items.</summary>
    public IReadOnlyList<T> All => _all;

    /// <summary>Their names.</summary>
    public IReadOnlyList<string> Names => [.. _all.Select(nameOf)];

    /// <summary>The item with a name.</summary>
    /// <exception cref="BitisException">The name is unknown; the message lists the names.</exception>
    public T Find(string name) => _all.FirstOrDefault(item => nameOf(item) == name) ?? throw new BitisException(
        $"There is no {kind} '{name}'; the {kind}s are {string.Join(", ", Names)}. "
        + $"One from outside has to be registered first ({register}), before the file is opened.");

    /// <summary>Registers an item.</summary>
    /// <exception cref="ArgumentException">The name is already registered.</exception>
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
