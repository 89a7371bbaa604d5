using Bitis.Checkpoints;
using Bitis.Checkpoints.Safetensors;

namespace Bitis.Fuzz;

/// <summary>A tensor of a file: what the header says of it, and its bytes.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">The type's name.</param>
/// <param name="Shape">The sizes.</param>
/// <param name="Bytes">The bytes.</param>
/// <param name="Shift">By how much the header's offset is wrong.</param>
internal sealed record TensorPart(string Name, string Type, long[] Shape, byte[] Bytes, int Shift = 0)
{
    /// <summary>The tensor, if the header does not contradict itself.</summary>
    public SafetensorsTensor? ToTensor()
    {
        if (DTypes.FromSafetensorsName(Type) is not { } type
            || Array.Exists(Shape, size => size is < 0 or > int.MaxValue))
        {
            return null;
        }

        return new SafetensorsTensor(Name, type, [.. Shape.Select(size => (int)size)], Bytes);
    }
}
