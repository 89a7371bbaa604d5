using System.Buffers.Binary;

namespace Bitis.Fuzz;

/// <summary>
/// Changes tensors into what somebody might put there: special floats, extreme integers, other shapes, types and names.
/// </summary>
internal static class TensorMutation
{
    private static readonly float[] Floats =
    [
        float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.MaxValue, float.MinValue, 3e38f, 1e30f, 1e20f,
        65504, 1, 0, -0f, -1, 1e-10f,
        1e-30f, 1e-38f, float.Epsilon, -float.Epsilon,
    ];

    private static readonly int[] Integers =
        [0, 1, -1, 2, 3, 127, -128, 128, 255, 65535, int.MaxValue, int.MinValue, 1 << 30];

    private static readonly string[] Types =
        ["F32", "F16", "BF16", "F64", "I8", "U8", "I16", "I32", "I64", "BOOL", "F4", "F8_E4M3", "C64", "X9"];

    /// <summary>Changes a tensor of a file, or which tensors there are.</summary>
    public static void Apply(List<TensorPart> tensors, Random random)
    {
        if (tensors.Count == 0)
            return;
        int at = random.Next(tensors.Count), other = random.Next(tensors.Count);
        TensorPart tensor = tensors[at];
        switch (random.Next(14))
        {
            case 0:
                tensors.RemoveAt(at);
                break;
            case 1:
                tensors.Insert(other, tensor with { Name = random.Next(2) == 0 ? tensor.Name + "_" : tensor.Name });
                break;
            case 2:
                tensors[at] = tensor with { Name = tensors[other].Name };
                tensors[other] = tensors[other] with { Name = tensor.Name };
                break;
            case 3:
                tensors[at] = tensor with { Type = Types[random.Next(Types.Length)] };
                break;
            case 4:
                tensors[at] = tensor with { Shape = Reshaped(tensor.Shape, random) };
                break;
            case 5:
                tensors[at] = tensor with
                {
                    Bytes = tensor.Bytes[..random.Next(tensor.Bytes.Length + 1)],
                    Shift = random.Next(3) - 1,
                };
                break;
            default:
                byte[] bytes = [.. tensor.Bytes];
                ChangeValues(bytes, tensor.Type, random);
                tensors[at] = tensor with { Bytes = bytes };
                break;
        }
    }

    private static long[] Reshaped(long[] shape, Random random)
    {
        long[] changed = random.Next(5) switch
        {
            0 => [.. shape.Reverse()],
            1 => [.. shape, 1],
            2 => [shape.Aggregate(1L, (product, size) => product * size)],
            3 => [1, .. shape],
            _ => [.. shape],
        };
        if (changed.Length > 0 && random.Next(3) == 0)
            changed[random.Next(changed.Length)] += Integers[random.Next(Integers.Length)];
        return changed;
    }

    /// <summary>One value, some or all of them become special ones.</summary>
    private static void ChangeValues(byte[] bytes, string type, Random random)
    {
        int size = type switch { "F32" or "I32" => 4, "F16" => 2, _ => 1 };
        int count = bytes.Length / size;
        if (count == 0)
            return;
        int changes = random.Next(3) switch { 0 => 1, 1 => random.Next(1, 9), _ => count };
        float single = Floats[random.Next(Floats.Length)];
        int integer = Integers[random.Next(Integers.Length)];
        for (int i = 0; i < changes; i++)
        {
            Span<byte> target = bytes.AsSpan((changes == count ? i : random.Next(count)) * size, size);
            if (type == "F32")
                BinaryPrimitives.WriteSingleLittleEndian(target, single);
            else if (type == "F16")
                BinaryPrimitives.WriteHalfLittleEndian(target, (Half)single);
            else if (type == "I32")
                BinaryPrimitives.WriteInt32LittleEndian(target, integer);
            else
                target[0] = (byte)integer;
        }
    }
}
