namespace Bitis.Checkpoints.Torch.Pickle;

/// <summary>The contents of a NumPy array that a pickle holds as an inert object.</summary>
/// <param name="Shape">The sizes of its dimensions.</param>
/// <param name="DType">NumPy's short name of its element type: <c>u1</c>.</param>
/// <param name="Bytes">Its elements, the last dimension first.</param>
internal sealed record NumpyArray(IReadOnlyList<long> Shape, string DType, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>Reads an array in one of NumPy's two forms; null if the value is something else.</summary>
    public static NumpyArray? Of(object? value)
    {
        if (value is not PickleObject { Type.Name: var name } array)
            return null;
        return (name, array.Arguments, array.State) switch
        {
            // The form of all protocols: (version, shape, type, order of Fortran, contents).
            ("numpy.core.multiarray._reconstruct" or "numpy._core.multiarray._reconstruct", _,
                object?[] and [_, object?[] shape, NumpyDType type, false, var contents]) => Create(shape, type,
                contents),
            // The form of protocol 5: (contents, type, shape, order).
            ("numpy.core.numeric._frombuffer" or "numpy._core.numeric._frombuffer",
                [var contents, NumpyDType type, object?[] shape, "C"], _) => Create(shape, type, contents),
            _ => null,
        };
    }

    private static NumpyArray? Create(object?[] shape, NumpyDType type, object? contents)
    {
        ReadOnlyMemory<byte>? bytes = contents switch
        {
            byte[] plain => plain,
            string text => System.Text.Encoding.Latin1.GetBytes(text), // of Python 2
            _ => null,
        };
        return bytes is { } known && shape.All(size => size is long and >= 0)
            ? new NumpyArray([.. shape.Cast<long>()], type.Name, known)
            : null;
    }
}
