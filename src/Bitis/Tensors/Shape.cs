using System.Collections;
using System.Runtime.CompilerServices;

namespace Bitis.Tensors;

/// <summary>The sizes of a tensor's dimensions, outermost first: <c>Shape s = [batch, tokens, channels];</c></summary>
[CollectionBuilder(typeof(Shape), nameof(Create))]
public readonly struct Shape : IEquatable<Shape>, IEnumerable<int>
{
    private readonly int[]? _sizes;

    private Shape(int[] sizes) => _sizes = sizes;

    /// <summary>How many dimensions there are; a scalar has none.</summary>
    public int Rank => Sizes.Length;

    /// <summary>The sizes, outermost first.</summary>
    public ReadOnlySpan<int> Sizes => _sizes;

    /// <summary>The product of the sizes; 1 for a scalar.</summary>
    public long ElementCount
    {
        get
        {
            long count = 1;
            foreach (int size in Sizes)
                count = checked(count * size);
            return count;
        }
    }

    /// <summary>The size of one dimension; <c>shape[^1]</c> is the innermost.</summary>
    public int this[Index dimension] => Sizes[dimension];

    /// <summary>Creates a shape; sizes may be zero, never negative.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A size is negative.</exception>
    public static Shape Create(ReadOnlySpan<int> sizes)
    {
        foreach (int size in sizes)
            ArgumentOutOfRangeException.ThrowIfNegative(size, nameof(sizes));
        return new Shape(sizes.ToArray());
    }

    /// <summary>This shape with a new outermost dimension.</summary>
    public Shape Prepend(int size) => [size, .. Sizes];

    /// <summary>This shape without its outermost dimension.</summary>
    public Shape DropFirst() => [.. Sizes[1..]];

    /// <inheritdoc />
    public bool Equals(Shape other) => Sizes.SequenceEqual(other.Sizes);

    /// <inheritdoc />
    public override bool Equals(object? obj) => obj is Shape other && Equals(other);

    /// <inheritdoc />
    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (int size in Sizes)
            hash.Add(size);
        return hash.ToHashCode();
    }

    /// <summary>Whether two shapes have the same sizes.</summary>
    public static bool operator ==(Shape left, Shape right) => left.Equals(right);

    /// <summary>Whether two shapes differ.</summary>
    public static bool operator !=(Shape left, Shape right) => !left.Equals(right);

    /// <inheritdoc />
    public IEnumerator<int> GetEnumerator() => ((IEnumerable<int>)(_sizes ?? [])).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>The sizes in brackets: <c>[197, 192]</c>.</summary>
    public override string ToString() => $"[{string.Join(", ", _sizes ?? [])}]";
}
